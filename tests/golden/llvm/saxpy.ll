define i32 @"saxpy"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {
entry:
  %a0 = alloca [3 x i32]
  %a1 = alloca [3 x i32]
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
  %v19 = mul i32 %block.x, 64
  %v20 = add i32 %v19, 0
  %v21 = sext i32 %"p.n" to i64
  %v22 = sext i32 %v19 to i64
  %v23 = sub i64 %v21, %v22
  %v24 = call i64 @llvm.smin.i64(i64 %v23, i64 16)
  %v25 = call i64 @llvm.smax.i64(i64 %v24, i64 0)
  %v26 = trunc i64 %v25 to i32
  %v27 = insertelement <16 x i32> poison, i32 %v26, i64 0
  %v28 = shufflevector <16 x i32> %v27, <16 x i32> poison, <16 x i32> zeroinitializer
  %v29 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v28
  %v30 = sext i32 %v20 to i64
  %v31 = sub i64 %v21, %v30
  %v32 = sub i64 %v31, 16
  %v33 = call i64 @llvm.smin.i64(i64 %v32, i64 16)
  %v34 = call i64 @llvm.smax.i64(i64 %v33, i64 0)
  %v35 = trunc i64 %v34 to i32
  %v36 = insertelement <16 x i32> poison, i32 %v35, i64 0
  %v37 = shufflevector <16 x i32> %v36, <16 x i32> poison, <16 x i32> zeroinitializer
  %v38 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v37
  %v39 = sub i64 %v31, 32
  %v40 = call i64 @llvm.smin.i64(i64 %v39, i64 16)
  %v41 = call i64 @llvm.smax.i64(i64 %v40, i64 0)
  %v42 = trunc i64 %v41 to i32
  %v43 = insertelement <16 x i32> poison, i32 %v42, i64 0
  %v44 = shufflevector <16 x i32> %v43, <16 x i32> poison, <16 x i32> zeroinitializer
  %v45 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v44
  %v46 = sub i64 %v31, 48
  %v47 = call i64 @llvm.smin.i64(i64 %v46, i64 16)
  %v48 = call i64 @llvm.smax.i64(i64 %v47, i64 0)
  %v49 = trunc i64 %v48 to i32
  %v50 = insertelement <16 x i32> poison, i32 %v49, i64 0
  %v51 = shufflevector <16 x i32> %v50, <16 x i32> poison, <16 x i32> zeroinitializer
  %v52 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v51
  %v53 = and <16 x i1> %v29, %v38
  %v54 = and <16 x i1> %v53, %v45
  %v55 = and <16 x i1> %v54, %v52
  %v56 = bitcast <16 x i1> %v55 to i16
  %v57 = icmp eq i16 %v56, -1
  br i1 %v57, label %full6, label %partial7
full6:
  %v58 = mul i32 %block.x, 64
  %v59 = add i32 %v58, 0
  %v60 = sext i32 %v58 to i64
  %v61 = getelementptr float, ptr %"p.x", i64 %v60
  %v62 = load <16 x float>, ptr %v61, align 4
  %v63 = sext i32 %v59 to i64
  %v64 = getelementptr float, ptr %"p.x", i64 %v63
  %v65 = getelementptr float, ptr %v64, i64 16
  %v66 = load <16 x float>, ptr %v65, align 4
  %v67 = insertelement <16 x float> poison, float %"p.a", i64 0
  %v68 = shufflevector <16 x float> %v67, <16 x float> poison, <16 x i32> zeroinitializer
  %v69 = fmul contract <16 x float> %v68, %v62
  %v70 = fmul contract <16 x float> %v68, %v66
  %v71 = getelementptr float, ptr %"p.y", i64 %v60
  %v72 = load <16 x float>, ptr %v71, align 4
  %v73 = getelementptr float, ptr %"p.y", i64 %v63
  %v74 = getelementptr float, ptr %v73, i64 16
  %v75 = load <16 x float>, ptr %v74, align 4
  %v76 = fadd contract <16 x float> %v69, %v72
  %v77 = fadd contract <16 x float> %v70, %v75
  store <16 x float> %v76, ptr %v71, align 4
  store <16 x float> %v77, ptr %v74, align 4
  %v78 = getelementptr float, ptr %v64, i64 32
  %v79 = load <16 x float>, ptr %v78, align 4
  %v80 = getelementptr float, ptr %v64, i64 48
  %v81 = load <16 x float>, ptr %v80, align 4
  %v82 = fmul contract <16 x float> %v68, %v79
  %v83 = fmul contract <16 x float> %v68, %v81
  %v84 = getelementptr float, ptr %v73, i64 32
  %v85 = load <16 x float>, ptr %v84, align 4
  %v86 = getelementptr float, ptr %v73, i64 48
  %v87 = load <16 x float>, ptr %v86, align 4
  %v88 = fadd contract <16 x float> %v82, %v85
  %v89 = fadd contract <16 x float> %v83, %v87
  store <16 x float> %v88, ptr %v84, align 4
  store <16 x float> %v89, ptr %v86, align 4
  br label %end5
partial7:
  %v90 = or <16 x i1> %v29, %v38
  %v91 = or <16 x i1> %v90, %v45
  %v92 = or <16 x i1> %v91, %v52
  %v93 = bitcast <16 x i1> %v92 to i16
  %v94 = icmp ne i16 %v93, 0
  br i1 %v94, label %some8, label %end5
some8:
  %v95 = mul i32 %block.x, 64
  %v96 = add i32 %v95, 0
  %v97 = sext i32 %v95 to i64
  %v98 = getelementptr float, ptr %"p.x", i64 %v97
  %v99 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v98, <16 x i1> %v29, <16 x float> zeroinitializer)
  %v100 = sext i32 %v96 to i64
  %v101 = getelementptr float, ptr %"p.x", i64 %v100
  %v102 = getelementptr float, ptr %v101, i64 16
  %v103 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v102, <16 x i1> %v38, <16 x float> zeroinitializer)
  %v104 = insertelement <16 x float> poison, float %"p.a", i64 0
  %v105 = shufflevector <16 x float> %v104, <16 x float> poison, <16 x i32> zeroinitializer
  %v106 = fmul contract <16 x float> %v105, %v99
  %v107 = fmul contract <16 x float> %v105, %v103
  %v108 = getelementptr float, ptr %"p.y", i64 %v97
  %v109 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v108, <16 x i1> %v29, <16 x float> zeroinitializer)
  %v110 = getelementptr float, ptr %"p.y", i64 %v100
  %v111 = getelementptr float, ptr %v110, i64 16
  %v112 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v111, <16 x i1> %v38, <16 x float> zeroinitializer)
  %v113 = fadd contract <16 x float> %v106, %v109
  %v114 = fadd contract <16 x float> %v107, %v112
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v113, ptr align 4 %v108, <16 x i1> %v29)
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v114, ptr align 4 %v111, <16 x i1> %v38)
  %v115 = getelementptr float, ptr %v101, i64 32
  %v116 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v115, <16 x i1> %v45, <16 x float> zeroinitializer)
  %v117 = getelementptr float, ptr %v101, i64 48
  %v118 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v117, <16 x i1> %v52, <16 x float> zeroinitializer)
  %v119 = fmul contract <16 x float> %v105, %v116
  %v120 = fmul contract <16 x float> %v105, %v118
  %v121 = getelementptr float, ptr %v110, i64 32
  %v122 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v121, <16 x i1> %v45, <16 x float> zeroinitializer)
  %v123 = getelementptr float, ptr %v110, i64 48
  %v124 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %v123, <16 x i1> %v52, <16 x float> zeroinitializer)
  %v125 = fadd contract <16 x float> %v119, %v122
  %v126 = fadd contract <16 x float> %v120, %v124
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v125, ptr align 4 %v121, <16 x i1> %v45)
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v126, ptr align 4 %v123, <16 x i1> %v52)
  br label %end5
end5:
  br label %done4
done4:
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
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, <16 x i1>, <16 x float>)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, <16 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" "denormal-fp-math"="ieee" }
