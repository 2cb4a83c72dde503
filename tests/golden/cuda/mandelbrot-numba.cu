extern "C" __global__ void mandelbrot(
    unsigned char *image, long long image_shape0, long long image_shape1, long long image_stride0,
    double min_x, double max_x, double min_y, double max_y, long long limit) {
    long long height = image_shape0;
    long long width = image_shape1;
    double pixel_x = (max_x - min_x) / (double)width;
    double pixel_y = (max_y - min_y) / (double)height;
    long long start_x = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    long long start_y = (long long)blockIdx.y * blockDim.y + threadIdx.y;
    long long grid_x = (long long)gridDim.x * blockDim.x;
    long long grid_y = (long long)gridDim.y * blockDim.y;
    for (long long x = start_x; x < width; x += grid_x) {
        double real = min_x + (double)x * pixel_x;
        for (long long y = start_y; y < height; y += grid_y) {
            double imag = min_y + (double)y * pixel_y;
            double zr = 0.0;
            double zi = 0.0;
            long long count = limit;
            for (long long i = 0; i < limit; ++i) {
                double t = 2.0 * zr * zi + imag;
                zr = zr * zr - zi * zi + real;
                zi = t;
                if (zr * zr + zi * zi >= 4.0) {
                    count = i;
                    break;
                }
            }
            image[(y < 0 ? y + image_shape0 : y) * image_stride0 + (x < 0 ? x + image_shape1 : x)] = (unsigned char)count;
        }
    }
}
