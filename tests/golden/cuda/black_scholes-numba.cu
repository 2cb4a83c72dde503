extern "C" __global__ void black_scholes(
    double *call, long long call_shape0, double *put, long long put_shape0,
    const double *stock, long long stock_shape0, const double *strike, long long strike_shape0,
    const double *years, long long years_shape0) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= stock_shape0) {
        return;
    }
    double s = stock[i];
    double x = strike[i];
    double t = years[i];
    double root = sqrt(t);
    double d1 = (log(s / x) + 0.065 * t) / (0.3 * root);
    double d2 = d1 - 0.3 * root;
    double discounted = x * exp(-0.02 * t);
    call[i] = s * (0.5 * (1.0 + erf(d1 / 1.4142135623730951))) - discounted * (0.5 * (1.0 + erf(d2 / 1.4142135623730951)));
    put[i] = discounted * (1.0 - 0.5 * (1.0 + erf(d2 / 1.4142135623730951))) - s * (1.0 - 0.5 * (1.0 + erf(d1 / 1.4142135623730951)));
}
