extern "C" __global__ void to_polar(
    float *radius, long long radius_shape0, float *angle, long long angle_shape0,
    const float *points, long long points_shape0, long long points_shape1, long long points_stride0) {
    float polar_return_0;
    float polar_return_1;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < points_shape0) {
        float polar_x = points[i * points_stride0];
        float polar_y = points[i * points_stride0 + 1];
        if (polar_x == 0.0f && polar_y == 0.0f) {
            polar_return_0 = 0.0f;
            polar_return_1 = 0.0f;
        } else {
            float polar_t = hypotf(polar_x, polar_y);
            float polar_t_1 = atan2f(polar_y, polar_x);
            polar_return_0 = polar_t;
            polar_return_1 = polar_t_1;
        }
        radius[i] = polar_return_0;
        angle[i] = polar_return_1;
    }
}
