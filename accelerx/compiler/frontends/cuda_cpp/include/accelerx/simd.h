// Functions of the two or four integers packed in a word, and of three integers.
#pragma once

#define __AX_PACKED1(f) unsigned int f##2(unsigned int), f##4(unsigned int);
#define __AX_PACKED2(f)                                                                            \
  unsigned int f##2(unsigned int, unsigned int), f##4(unsigned int, unsigned int);
#define __AX_COMPARED(f)                                                                           \
  __AX_PACKED2(f##eq) __AX_PACKED2(f##ne)                                                          \
  __AX_PACKED2(f##ges) __AX_PACKED2(f##gts) __AX_PACKED2(f##les) __AX_PACKED2(f##lts)              \
  __AX_PACKED2(f##geu) __AX_PACKED2(f##gtu) __AX_PACKED2(f##leu) __AX_PACKED2(f##ltu)

__AX_PACKED1(__vabs)
__AX_PACKED1(__vabsss)
__AX_PACKED1(__vneg)
__AX_PACKED1(__vnegss)
__AX_PACKED2(__vadd)
__AX_PACKED2(__vaddss)
__AX_PACKED2(__vaddus)
__AX_PACKED2(__vsub)
__AX_PACKED2(__vsubss)
__AX_PACKED2(__vsubus)
__AX_PACKED2(__vavgs)
__AX_PACKED2(__vavgu)
__AX_PACKED2(__vhaddu)
__AX_PACKED2(__vabsdiffs)
__AX_PACKED2(__vabsdiffu)
__AX_PACKED2(__vmaxs)
__AX_PACKED2(__vmaxu)
__AX_PACKED2(__vmins)
__AX_PACKED2(__vminu)
__AX_PACKED2(__vsads)
__AX_PACKED2(__vsadu)
__AX_COMPARED(__vcmp)
__AX_COMPARED(__vset)
#undef __AX_PACKED1
#undef __AX_PACKED2
#undef __AX_COMPARED

#define __AX_DPX(f)                                                                                \
  int f##_s32(int, int, int), f##_s32_relu(int, int, int);                                         \
  unsigned int f##_u32(unsigned int, unsigned int, unsigned int);
__AX_DPX(__vimax3)
__AX_DPX(__vimin3)
__AX_DPX(__viaddmax)
__AX_DPX(__viaddmin)
#undef __AX_DPX
int __vimax_s32_relu(int, int), __vimin_s32_relu(int, int);
