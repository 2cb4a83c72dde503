extern "C" __global__ void cube_roots(
    double *out, long long out_shape0, const double *x, long long x_shape0) {
    double find_root_return;
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < x_shape0) {
        {
            double find_root_x = x[i];
            double find_root_high = fmax(x[i], 1.0);
            double find_root_low = 0.0;
            for (long long find_root__ = 0; find_root__ < 60; ++find_root__) {
                double find_root_middle = 0.5 * (find_root_low + find_root_high);
                double find_root_value = find_root_middle * find_root_middle * find_root_middle - find_root_x;
                if (fabs(find_root_value) < 1e-09) {
                    find_root_return = find_root_middle;
                    goto find_root_end;
                } else if (find_root_value > 0.0) {
                    find_root_high = find_root_middle;
                } else {
                    find_root_low = find_root_middle;
                }
            }
            find_root_return = 0.5 * (find_root_low + find_root_high);
        }
        find_root_end:;
        out[i] = find_root_return;
    }
}
