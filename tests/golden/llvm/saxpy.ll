define i32 @"saxpy"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
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
  %v0 = mul i32 %block.x, 64
  %v1 = add i32 %v0, 0
  %v2 = sext i32 %"p.n" to i64
  %v3 = sext i32 %v0 to i64
  %v4 = sub i64 %v2, %v3
  %v5 = call i64 @llvm.smin.i64(i64 %v4, i64 16)
  %v6 = call i64 @llvm.smax.i64(i64 %v5, i64 0)
  %v7 = trunc i64 %v6 to i32
  %v8 = insertelement <16 x i32> poison, i32 %v7, i64 0
  %v9 = shufflevector <16 x i32> %v8, <16 x i32> poison, <16 x i32> zeroinitializer
  %v10 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v9
  %v11 = sext i32 %v1 to i64
  %v12 = sub i64 %v2, %v11
  %v13 = sub i64 %v12, 16
  %v14 = call i64 @llvm.smin.i64(i64 %v13, i64 16)
  %v15 = call i64 @llvm.smax.i64(i64 %v14, i64 0)
  %v16 = trunc i64 %v15 to i32
  %v17 = insertelement <16 x i32> poison, i32 %v16, i64 0
  %v18 = shufflevector <16 x i32> %v17, <16 x i32> poison, <16 x i32> zeroinitializer
  %v19 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v18
  %v20 = sub i64 %v12, 32
  %v21 = call i64 @llvm.smin.i64(i64 %v20, i64 16)
  %v22 = call i64 @llvm.smax.i64(i64 %v21, i64 0)
  %v23 = trunc i64 %v22 to i32
  %v24 = insertelement <16 x i32> poison, i32 %v23, i64 0
  %v25 = shufflevector <16 x i32> %v24, <16 x i32> poison, <16 x i32> zeroinitializer
  %v26 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v25
  %v27 = sub i64 %v12, 48
  %v28 = call i64 @llvm.smin.i64(i64 %v27, i64 16)
  %v29 = call i64 @llvm.smax.i64(i64 %v28, i64 0)
  %v30 = trunc i64 %v29 to i32
  %v31 = insertelement <16 x i32> poison, i32 %v30, i64 0
  %v32 = shufflevector <16 x i32> %v31, <16 x i32> poison, <16 x i32> zeroinitializer
  %v33 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v32
  %v34 = and <16 x i1> %v10, %v19
  %v35 = and <16 x i1> %v34, %v26
  %v36 = and <16 x i1> %v35, %v33
  %v37 = bitcast <16 x i1> %v36 to i16
  %v38 = icmp eq i16 %v37, -1
  br i1 %v38, label %full3, label %partial4
full3:
  %v39 = mul i32 %block.x, 64
  %v40 = add i32 %v39, 0
  %v41 = sext i32 %v39 to i64
  %v42 = getelementptr float, ptr %"p.x", i64 %v41
  %v43 = load <16 x float>, ptr %v42, align 4
  %v44 = sext i32 %v40 to i64
  %v45 = getelementptr float, ptr %"p.x", i64 %v44
  %v46 = getelementptr float, ptr %v45, i64 16
  %v47 = load <16 x float>, ptr %v46, align 4
  %v48 = insertelement <16 x float> poison, float %"p.a", i64 0
  %v49 = shufflevector <16 x float> %v48, <16 x float> poison, <16 x i32> zeroinitializer
  %v50 = fmul contract <16 x float> %v49, %v43
  %v51 = fmul contract <16 x float> %v49, %v47
  %v52 = getelementptr float, ptr %"p.y", i64 %v41
  %v53 = load <16 x float>, ptr %v52, align 4
  %v54 = getelementptr float, ptr %"p.y", i64 %v44
  %v55 = getelementptr float, ptr %v54, i64 16
  %v56 = load <16 x float>, ptr %v55, align 4
  %v57 = fadd contract <16 x float> %v50, %v53
  %v58 = fadd contract <16 x float> %v51, %v56
  store <16 x float> %v57, ptr %v52, align 4
  store <16 x float> %v58, ptr %v55, align 4
  %v59 = getelementptr float, ptr %v45, i64 32
  %v60 = load <16 x float>, ptr %v59, align 4
  %v61 = getelementptr float, ptr %v45, i64 48
  %v62 = load <16 x float>, ptr %v61, align 4
  %v63 = fmul contract <16 x float> %v49, %v60
  %v64 = fmul contract <16 x float> %v49, %v62
  %v65 = getelementptr float, ptr %v54, i64 32
  %v66 = load <16 x float>, ptr %v65, align 4
  %v67 = getelementptr float, ptr %v54, i64 48
  %v68 = load <16 x float>, ptr %v67, align 4
  %v69 = fadd contract <16 x float> %v63, %v66
  %v70 = fadd contract <16 x float> %v64, %v68
  store <16 x float> %v69, ptr %v65, align 4
  store <16 x float> %v70, ptr %v67, align 4
  br label %end2
partial4:
  %v71 = or <16 x i1> %v10, %v19
  %v72 = or <16 x i1> %v71, %v26
  %v73 = or <16 x i1> %v72, %v33
  %v74 = bitcast <16 x i1> %v73 to i16
  %v75 = icmp ne i16 %v74, 0
  br i1 %v75, label %some5, label %end2
some5:
  %v76 = mul i32 %block.x, 64
  %v77 = add i32 %v76, 0
  %v78 = sext i32 %v76 to i64
  %v79 = getelementptr float, ptr %"p.x", i64 %v78
  %v80 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v79, <16 x i1> %v10, <16 x float> zeroinitializer)
  %v81 = sext i32 %v77 to i64
  %v82 = getelementptr float, ptr %"p.x", i64 %v81
  %v83 = getelementptr float, ptr %v82, i64 16
  %v84 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v83, <16 x i1> %v19, <16 x float> zeroinitializer)
  %v85 = insertelement <16 x float> poison, float %"p.a", i64 0
  %v86 = shufflevector <16 x float> %v85, <16 x float> poison, <16 x i32> zeroinitializer
  %v87 = fmul contract <16 x float> %v86, %v80
  %v88 = fmul contract <16 x float> %v86, %v84
  %v89 = getelementptr float, ptr %"p.y", i64 %v78
  %v90 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v89, <16 x i1> %v10, <16 x float> zeroinitializer)
  %v91 = getelementptr float, ptr %"p.y", i64 %v81
  %v92 = getelementptr float, ptr %v91, i64 16
  %v93 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v92, <16 x i1> %v19, <16 x float> zeroinitializer)
  %v94 = fadd contract <16 x float> %v87, %v90
  %v95 = fadd contract <16 x float> %v88, %v93
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v94, ptr align 4 %v89, <16 x i1> %v10)
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v95, ptr align 4 %v92, <16 x i1> %v19)
  %v96 = getelementptr float, ptr %v82, i64 32
  %v97 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v96, <16 x i1> %v26, <16 x float> zeroinitializer)
  %v98 = getelementptr float, ptr %v82, i64 48
  %v99 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v98, <16 x i1> %v33, <16 x float> zeroinitializer)
  %v100 = fmul contract <16 x float> %v86, %v97
  %v101 = fmul contract <16 x float> %v86, %v99
  %v102 = getelementptr float, ptr %v91, i64 32
  %v103 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v102, <16 x i1> %v26, <16 x float> zeroinitializer)
  %v104 = getelementptr float, ptr %v91, i64 48
  %v105 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v104, <16 x i1> %v33, <16 x float> zeroinitializer)
  %v106 = fadd contract <16 x float> %v100, %v103
  %v107 = fadd contract <16 x float> %v101, %v105
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v106, ptr align 4 %v102, <16 x i1> %v26)
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v107, ptr align 4 %v104, <16 x i1> %v33)
  br label %end2
end2:
  br label %done1
done1:
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
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, <16 x i1>, <16 x float>)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, <16 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
