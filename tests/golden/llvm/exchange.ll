define i32 @"exchange"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
  %a0 = alloca [32 x float], align 64
  %a1 = alloca [3 x i32]
  %a2 = alloca [3 x i32]
  %hook.values = alloca [1 x i64]
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
  %v0 = load volatile i32, ptr %poll
  %v1 = icmp ne i32 %v0, 0
  %v2 = call i1 @llvm.expect.i1(i1 %v1, i1 false)
  br i1 %v2, label %poll1, label %end2
poll1:
  %v3 = udiv i32 0, 32
  %v4 = urem i32 0, 32
  %v5 = urem i32 %v3, 1
  %v6 = udiv i32 %v3, 1
  %v7 = getelementptr i32, ptr %a1, i32 0
  store i32 %block.x, ptr %v7
  %v8 = getelementptr i32, ptr %a2, i32 0
  store i32 %v4, ptr %v8
  %v9 = getelementptr i32, ptr %a1, i32 1
  store i32 %block.y, ptr %v9
  %v10 = getelementptr i32, ptr %a2, i32 1
  store i32 %v5, ptr %v10
  %v11 = getelementptr i32, ptr %a1, i32 2
  store i32 %block.z, ptr %v11
  %v12 = getelementptr i32, ptr %a2, i32 2
  store i32 %v6, ptr %v12
  %v13 = getelementptr i8, ptr %call, i64 40
  %v14 = load ptr, ptr %v13
  %v15 = getelementptr i8, ptr %call, i64 48
  %v16 = load ptr, ptr %v15
  %v17 = call i32 %v14(ptr %v16, i32 -1, ptr %a1, ptr %a2, ptr %hook.values, i32 0)
  %v18 = icmp ne i32 %v17, 0
  br i1 %v18, label %stop, label %goon3
goon3:
  br label %end2
end2:
  %v19 = getelementptr float, ptr %"p.x", i64 0
  %v20 = load <16 x float>, ptr %v19, align 4
  %v21 = getelementptr float, ptr %v19, i64 16
  %v22 = load <16 x float>, ptr %v21, align 4
  %v23 = getelementptr float, ptr %a0, i64 0
  store <16 x float> %v20, ptr %v23, align 4
  %v24 = getelementptr float, ptr %v23, i64 16
  store <16 x float> %v22, ptr %v24, align 4
  br label %done4
done4:
  %v25 = getelementptr float, ptr %a0, <16 x i32> <i32 31, i32 30, i32 29, i32 28, i32 27, i32 26, i32 25, i32 24, i32 23, i32 22, i32 21, i32 20, i32 19, i32 18, i32 17, i32 16>
  %v26 = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> align 4 %v25, <16 x i1> splat (i1 true), <16 x float> zeroinitializer)
  %v27 = getelementptr float, ptr %a0, <16 x i32> <i32 15, i32 14, i32 13, i32 12, i32 11, i32 10, i32 9, i32 8, i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  %v28 = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> align 4 %v27, <16 x i1> splat (i1 true), <16 x float> zeroinitializer)
  %v29 = getelementptr float, ptr %"p.x", i64 0
  store <16 x float> %v26, ptr %v29, align 4
  %v30 = getelementptr float, ptr %v29, i64 16
  store <16 x float> %v28, ptr %v30, align 4
  br label %done5
done5:
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
declare i1 @llvm.expect.i1(i1, i1)
declare <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr>, <16 x i1>, <16 x float>)
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
