/* Moves the bytes of a conversion and computes nothing: reads `in` vectors, writes `out` vectors, again and again.
 * With `stream`, stores bypass the caches: faster where the output exceeds them, much slower where it does not. */
#include <stddef.h>

#if defined(__AVX2__)
#include <immintrin.h>
typedef __m256i vector;
#define LOAD(p) _mm256_loadu_si256(p)
#define MIX(a, b) _mm256_xor_si256(a, b)
#define STORE(p, v) _mm256_storeu_si256(p, v)
#define STREAM(p, v) _mm256_stream_si256(p, v)
#define FENCE() _mm_sfence()
#else
typedef unsigned char vector __attribute__((vector_size(16)));
#define LOAD(p) (*(p))
#define MIX(a, b) ((a) ^ (b))
#define STORE(p, v) (*(p) = (v))
#define STREAM STORE
#define FENCE()
#endif

#define LOOP(name, in, out, PUT)                                                          \
  static void name(const vector* from, vector* to, size_t steps) {                        \
    for (size_t i = 0; i < steps; ++i, from += in, to += out) {                           \
      vector v[in];                                                                       \
      for (int k = 0; k < in; ++k) v[k] = LOAD(from + k);                                 \
      for (int k = 1; k < in; ++k) v[0] = (in > out && k >= out) ? MIX(v[0], v[k]) : v[0]; \
      for (int k = 0; k < out; ++k) PUT(to + k, v[k < in ? k : 0]);                       \
    }                                                                                     \
  }
#define BOTH(in, out) LOOP(store_##in##_##out, in, out, STORE) LOOP(stream_##in##_##out, in, out, STREAM)
BOTH(4, 1)
BOTH(1, 4)
BOTH(8, 1)
BOTH(1, 8)
BOTH(4, 4)
BOTH(4, 2)
BOTH(2, 4)

#define CASE(in, out)                                                                      \
  case 16 * in + out:                                                                      \
    (stream ? stream_##in##_##out : store_##in##_##out)(from, to, bytes_in / (in * sizeof(vector))); \
    break;

/* `in` and `out`: bytes read and written, by their ratio. The arrays must be aligned to 32 bytes to be streamed to. 0 if it is served. */
int memory_loop(const void* from, void* to, size_t bytes_in, int in, int out, int stream, int repeat) {
  for (int r = 0; r < repeat; ++r) {
    switch (16 * in + out) {
      CASE(4, 1)
      CASE(1, 4)
      CASE(8, 1)
      CASE(1, 8)
      CASE(4, 4)
      CASE(4, 2)
      CASE(2, 4)
      default: return 1;
    }
    FENCE();
    __asm__ volatile("" ::: "memory");
  }
  return 0;
}
