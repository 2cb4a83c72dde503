define i32 @"saxpy"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
  %a0 = alloca [3 x i32]
  %a1 = alloca [3 x i32]
  %a2 = alloca i64
  %hook.values = alloca [1 x i64]
  %dynamic = getelementptr i8, ptr %scratch, i64 0
  %argsp = getelementptr i8, ptr %call, i64 8
  %args = load ptr, ptr %argsp
  %argp0 = getelementptr i8, ptr %args, i64 0
  %"p.n" = load i32, ptr %argp0
  %argp1 = getelementptr i8, ptr %args, i64 4
  %"p.a" = load float, ptr %argp1
  %argp2 = getelementptr i8, ptr %args, i64 8
  %"p.x" = load ptr, ptr %argp2
  %argp3 = getelementptr i8, ptr %args, i64 16
  %"p.x.shape0" = load i64, ptr %argp3
  %argp4 = getelementptr i8, ptr %args, i64 24
  %"p.y" = load ptr, ptr %argp4
  %argp5 = getelementptr i8, ptr %args, i64 32
  %"p.y.shape0" = load i64, ptr %argp5
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
  %v3 = udiv i32 0, 64
  %v4 = urem i32 0, 64
  %v5 = urem i32 %v3, 1
  %v6 = udiv i32 %v3, 1
  %v7 = getelementptr i32, ptr %a0, i32 0
  store i32 %block.x, ptr %v7
  %v8 = getelementptr i32, ptr %a1, i32 0
  store i32 %v4, ptr %v8
  %v9 = getelementptr i32, ptr %a0, i32 1
  store i32 %block.y, ptr %v9
  %v10 = getelementptr i32, ptr %a1, i32 1
  store i32 %v5, ptr %v10
  %v11 = getelementptr i32, ptr %a0, i32 2
  store i32 %block.z, ptr %v11
  %v12 = getelementptr i32, ptr %a1, i32 2
  store i32 %v6, ptr %v12
  %v13 = getelementptr i8, ptr %call, i64 40
  %v14 = load ptr, ptr %v13
  %v15 = getelementptr i8, ptr %call, i64 48
  %v16 = load ptr, ptr %v15
  %v17 = call i32 %v14(ptr %v16, i32 -1, ptr %a0, ptr %a1, ptr %hook.values, i32 0)
  %v18 = icmp ne i32 %v17, 0
  br i1 %v18, label %stop, label %goon3
goon3:
  br label %end2
end2:
  store i64 0, ptr %a2
  br label %chunk4
chunk4:
  %v19 = load i64, ptr %a2
  %v20 = mul i32 %block.x, 64
  %v21 = trunc i64 %v19 to i32
  %v22 = add i32 %v20, %v21
  %v23 = icmp slt i32 %v22, %"p.n"
  br i1 %v23, label %then7, label %else8
then7:
  %v24 = mul i32 %block.x, 64
  %v25 = trunc i64 %v19 to i32
  %v26 = add i32 %v24, %v25
  %v27 = sext i32 %v26 to i64
  %v28 = getelementptr float, ptr %"p.x", i64 %v27
  %v29 = load float, ptr %v28, align 4
  %v30 = fmul contract float %"p.a", %v29
  %v31 = getelementptr float, ptr %"p.y", i64 %v27
  %v32 = load float, ptr %v31, align 4
  %v33 = fadd contract float %v30, %v32
  store float %v33, ptr %v31, align 4
  br label %end9
else8:
  br label %end9
end9:
  br label %done6
done6:
  %v34 = add i64 %v19, 1
  store i64 %v34, ptr %a2
  %v35 = icmp ult i64 %v34, 64
  br i1 %v35, label %chunk4, label %end5
end5:
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
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
