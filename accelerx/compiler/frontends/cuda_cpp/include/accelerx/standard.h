// What depends on the language standard.
#pragma once

// constexpr where it allows more than one return statement
#if __cplusplus >= 201402L
#define __AX_CONSTEXPR constexpr
#else
#define __AX_CONSTEXPR inline
#endif
