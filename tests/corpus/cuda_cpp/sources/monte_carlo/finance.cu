// Option pricing: closed form, binomial tree, simulated paths.

#define RSQRT2PI 0.39894228040143267793994605993438f

__device__ inline float cndGPU(float d)
{
    const float A1 = 0.31938153f;
    const float A2 = -0.356563782f;
    const float A3 = 1.781477937f;
    const float A4 = -1.821255978f;
    const float A5 = 1.330274429f;
    float K = __fdividef(1.0f, (1.0f + 0.2316419f * fabsf(d)));
    float cnd = RSQRT2PI * __expf(-0.5f * d * d) * (K * (A1 + K * (A2 + K * (A3 + K * (A4 + K * A5)))));
    if (d > 0) cnd = 1.0f - cnd;
    return cnd;
}

__device__ inline void BlackScholesBodyGPU(float& CallResult, float& PutResult, float S, float X, float T, float R,
                                           float V)
{
    float sqrtT = __fdividef(1.0F, rsqrtf(T));
    float d1 = __fdividef(__logf(S / X) + (R + 0.5f * V * V) * T, V * sqrtT);
    float d2 = d1 - V * sqrtT;
    float CNDD1 = cndGPU(d1);
    float CNDD2 = cndGPU(d2);
    float expRT = __expf(-R * T);
    CallResult = S * CNDD1 - X * expRT * CNDD2;
    PutResult = X * expRT * (1.0f - CNDD2) - S * (1.0f - CNDD1);
}

// The SDK's sample, two options a thread by float2 loads.
extern "C" __launch_bounds__(128) __global__
    void black_scholes(float2* __restrict d_CallResult, float2* __restrict d_PutResult,
                       float2* __restrict d_StockPrice, float2* __restrict d_OptionStrike,
                       float2* __restrict d_OptionYears, float Riskfree, float Volatility, int optN)
{
    const int opt = blockDim.x * blockIdx.x + threadIdx.x;
    if (opt < (optN / 2)) {
        float callResult1, callResult2;
        float putResult1, putResult2;
        BlackScholesBodyGPU(callResult1, putResult1, d_StockPrice[opt].x, d_OptionStrike[opt].x,
                            d_OptionYears[opt].x, Riskfree, Volatility);
        BlackScholesBodyGPU(callResult2, putResult2, d_StockPrice[opt].y, d_OptionStrike[opt].y,
                            d_OptionYears[opt].y, Riskfree, Volatility);
        d_CallResult[opt] = make_float2(callResult1, callResult2);
        d_PutResult[opt] = make_float2(putResult1, putResult2);
    }
}

struct Option {
    double spot, strike, years, rate, volatility;
    bool call, american;
};

// Cox-Ross-Rubinstein: a block an option, the tree's level in shared memory.
template <int STEPS>
__global__ void binomial_tree(const Option* options, double* prices)
{
    __shared__ double level[STEPS + 1];
    const Option o = options[blockIdx.x];
    const double dt = o.years / STEPS;
    const double up = exp(o.volatility * sqrt(dt));
    const double discount = exp(-o.rate * dt);
    const double p = (1.0 / discount - 1.0 / up) / (up - 1.0 / up);
    auto payoff = [&](int ups, int step) {
        const double s = o.spot * pow(up, 2.0 * ups - step);
        return fmax(0.0, o.call ? s - o.strike : o.strike - s);
    };
    for (int i = threadIdx.x; i <= STEPS; i += blockDim.x) level[i] = payoff(i, STEPS);
    __syncthreads();
    for (int step = STEPS - 1; step >= 0; --step) {
        double value = 0.0;
        const int i = threadIdx.x;
        if (i <= step) {
            value = discount * (p * level[i + 1] + (1.0 - p) * level[i]);
            if (o.american) value = max(value, payoff(i, step));
        }
        __syncthreads();
        if (i <= step) level[i] = value;
        __syncthreads();
    }
    if (threadIdx.x == 0) prices[blockIdx.x] = level[0];
}

// Arithmetic Asian option under geometric Brownian motion, normals given; mean and its error's square sum.
extern "C" __global__ void asian_paths(const float* normals, int paths, int steps, float spot, float strike,
                                       float drift, float diffusion, double2* sums)
{
    __shared__ double2 partial[32];
    double2 mine = make_double2(0.0, 0.0);
    for (int path = blockIdx.x * blockDim.x + threadIdx.x; path < paths; path += blockDim.x * gridDim.x) {
        float log_s = 0.f, total = 0.f;
        for (int t = 0; t < steps; ++t) {
            log_s += drift + diffusion * normals[t * paths + path];
            total += spot * expf(log_s);
        }
        const double payoff = fmaxf(total / steps - strike, 0.f);
        mine.x += payoff;
        mine.y += payoff * payoff;
    }
    for (int o = 16; o > 0; o /= 2) {
        mine.x += __shfl_down_sync(0xffffffff, mine.x, o);
        mine.y += __shfl_down_sync(0xffffffff, mine.y, o);
    }
    if ((threadIdx.x & 31) == 0) partial[threadIdx.x >> 5] = mine;
    __syncthreads();
    if (threadIdx.x == 0) {
        double2 all = partial[0];
        for (int w = 1; w < blockDim.x / 32; ++w) {
            all.x += partial[w].x;
            all.y += partial[w].y;
        }
        sums[blockIdx.x] = all;
    }
}
