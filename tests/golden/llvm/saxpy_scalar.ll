define i32 @"saxpy"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
  %a0 = alloca i64
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
  store i64 0, ptr %a0
  br label %chunk1
chunk1:
  %v0 = load i64, ptr %a0
  %v1 = mul i32 %block.x, 64
  %v2 = trunc i64 %v0 to i32
  %v3 = add i32 %v1, %v2
  %v4 = icmp slt i32 %v3, %"p.n"
  br i1 %v4, label %then4, label %else5
then4:
  %v5 = mul i32 %block.x, 64
  %v6 = trunc i64 %v0 to i32
  %v7 = add i32 %v5, %v6
  %v8 = sext i32 %v7 to i64
  %v9 = getelementptr float, ptr %"p.x", i64 %v8
  %v10 = load float, ptr %v9, align 4
  %v11 = fmul contract float %"p.a", %v10
  %v12 = getelementptr float, ptr %"p.y", i64 %v8
  %v13 = load float, ptr %v12, align 4
  %v14 = fadd contract float %v11, %v13
  store float %v14, ptr %v12, align 4
  br label %end6
else5:
  br label %end6
end6:
  br label %done3
done3:
  %v15 = add i64 %v0, 1
  store i64 %v15, ptr %a0
  %v16 = icmp ult i64 %v15, 64
  br i1 %v16, label %chunk1, label %end2
end2:
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
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
