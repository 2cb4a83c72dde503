// Non-maximum suppression: of boxes as in detectors, and of gradients as in Canny's edge detector.

constexpr int kThreadsPerBlock = sizeof(unsigned long long) * 8;

__device__ inline float iou(float4 const a, float4 const b)
{
    float left = max(a.x, b.x), right = min(a.z, b.z);
    float top = max(a.y, b.y), bottom = min(a.w, b.w);
    float width = max(right - left, 0.f), height = max(bottom - top, 0.f);
    float inter = width * height;
    float sa = (a.z - a.x) * (a.w - a.y);
    float sb = (b.z - b.x) * (b.w - b.y);
    return inter / (sa + sb - inter);
}

// Bit i of mask[box][block] says that the box suppresses box i of that block of 64.
extern "C" __global__ void nms_mask(int n_boxes, float threshold, const float4* dev_boxes,
                                    unsigned long long* dev_mask)
{
    const int row_start = blockIdx.y;
    const int col_start = blockIdx.x;
    if (row_start > col_start) return;

    const int row_size = min(n_boxes - row_start * kThreadsPerBlock, kThreadsPerBlock);
    const int col_size = min(n_boxes - col_start * kThreadsPerBlock, kThreadsPerBlock);

    __shared__ float4 block_boxes[kThreadsPerBlock];
    if (threadIdx.x < col_size)
        block_boxes[threadIdx.x] = dev_boxes[kThreadsPerBlock * col_start + threadIdx.x];
    __syncthreads();

    if (threadIdx.x < row_size) {
        const int cur = kThreadsPerBlock * row_start + threadIdx.x;
        const float4 box = dev_boxes[cur];
        unsigned long long t = 0;
        int start = 0;
        if (row_start == col_start) start = threadIdx.x + 1;
        for (int i = start; i < col_size; i++) {
            if (iou(box, block_boxes[i]) > threshold) t |= 1ULL << i;
        }
        const int col_blocks = (n_boxes + kThreadsPerBlock - 1) / kThreadsPerBlock;
        dev_mask[cur * col_blocks + col_start] = t;
    }
}

enum Direction { HORIZONTAL, DIAGONAL, VERTICAL, ANTIDIAGONAL };

extern "C" __global__ void thin_edges(const int* gx, const int* gy, int* thin, int width, int height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int at = y * width + x;
    if (x == 0 || y == 0 || x == width - 1 || y == height - 1) {
        thin[at] = 0;
        return;
    }
    int ax = abs(gx[at]), ay = abs(gy[at]);
    Direction direction;
    if (5 * ay < 2 * ax)
        direction = HORIZONTAL;
    else if (2 * ay > 5 * ax)
        direction = VERTICAL;
    else
        direction = (gx[at] < 0) == (gy[at] < 0) ? DIAGONAL : ANTIDIAGONAL;
    int step = 0;
    switch (direction) {
        case HORIZONTAL: step = 1; break;
        case VERTICAL: step = width; break;
        case DIAGONAL: step = width + 1; break;
        case ANTIDIAGONAL: step = width - 1; break;
    }
    int here = ax * ax + ay * ay;
    int before = gx[at - step] * gx[at - step] + gy[at - step] * gy[at - step];
    int after = gx[at + step] * gx[at + step] + gy[at + step] * gy[at + step];
    thin[at] = here >= before && here > after ? here : 0;
}
