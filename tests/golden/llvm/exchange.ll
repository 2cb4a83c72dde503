define i32 @"exchange"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
  %a0 = alloca [32 x float], align 64
  %dynamic = getelementptr i8, ptr %scratch, i64 0
  %argsp = getelementptr i8, ptr %call, i64 8
  %args = load ptr, ptr %argsp
  %argp0 = getelementptr i8, ptr %args, i64 0
  %"p.x" = load ptr, ptr %argp0
  %argp1 = getelementptr i8, ptr %args, i64 8
  %"p.x.shape0" = load i64, ptr %argp1
  %gridp = getelementptr i8, ptr %call, i64 16
  %grid.x = load i32, ptr %gridp
  %gridp.y = getelementptr i8, ptr %call, i64 20
  %grid.y = load i32, ptr %gridp.y
  %gridp.z = getelementptr i8, ptr %call, i64 24
  %grid.z = load i32, ptr %gridp.z
  %pollp = getelementptr i8, ptr %call, i64 32
  %poll = load ptr, ptr %pollp
  %grid.wide = zext i32 %grid.x to i64
  %grid.tall = zext i32 %grid.y to i64
  %start.x = urem i64 %first, %grid.wide
  %start.row = udiv i64 %first, %grid.wide
  %start.y = urem i64 %start.row, %grid.tall
  %start.z = udiv i64 %start.row, %grid.tall
  %start.x32 = trunc i64 %start.x to i32
  %start.y32 = trunc i64 %start.y to i32
  %start.z32 = trunc i64 %start.z to i32
  %some = icmp slt i64 %first, %last
  br i1 %some, label %block, label %finished
block:
  %number = phi i64 [ %first, %entry ], [ %number.next, %next ]
  %block.x = phi i32 [ %start.x32, %entry ], [ %x.next, %next ]
  %block.y = phi i32 [ %start.y32, %entry ], [ %y.next, %next ]
  %block.z = phi i32 [ %start.z32, %entry ], [ %z.next, %next ]
  %v0 = getelementptr float, ptr %"p.x", i64 0
  %v1 = load <16 x float>, ptr %v0, align 4
  %v2 = getelementptr float, ptr %v0, i64 16
  %v3 = load <16 x float>, ptr %v2, align 4
  %v4 = getelementptr float, ptr %a0, i64 0
  store <16 x float> %v1, ptr %v4, align 4
  %v5 = getelementptr float, ptr %v4, i64 16
  store <16 x float> %v3, ptr %v5, align 4
  br label %done1
done1:
  %v6 = getelementptr float, ptr %a0, <16 x i32> <i32 31, i32 30, i32 29, i32 28, i32 27, i32 26, i32 25, i32 24, i32 23, i32 22, i32 21, i32 20, i32 19, i32 18, i32 17, i32 16>
  %v7 = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> align 4 %v6, <16 x i1> splat (i1 true), <16 x float> zeroinitializer)
  %v8 = getelementptr float, ptr %a0, <16 x i32> <i32 15, i32 14, i32 13, i32 12, i32 11, i32 10, i32 9, i32 8, i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  %v9 = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> align 4 %v8, <16 x i1> splat (i1 true), <16 x float> zeroinitializer)
  %v10 = getelementptr float, ptr %"p.x", i64 0
  store <16 x float> %v7, ptr %v10, align 4
  %v11 = getelementptr float, ptr %v10, i64 16
  store <16 x float> %v9, ptr %v11, align 4
  br label %done2
done2:
  br label %next
next:
  %number.next = add i64 %number, 1
  %x.more = add i32 %block.x, 1
  %x.ends = icmp eq i32 %x.more, %grid.x
  %x.next = select i1 %x.ends, i32 0, i32 %x.more
  %y.step = zext i1 %x.ends to i32
  %y.more = add i32 %block.y, %y.step
  %y.ends = icmp eq i32 %y.more, %grid.y
  %y.next = select i1 %y.ends, i32 0, i32 %y.more
  %z.step = zext i1 %y.ends to i32
  %z.next = add i32 %block.z, %z.step
  %more = icmp slt i64 %number.next, %last
  br i1 %more, label %block, label %finished
finished:
  ret i32 0
stop:
  ret i32 1
}
declare <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr>, <16 x i1>, <16 x float>)
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
