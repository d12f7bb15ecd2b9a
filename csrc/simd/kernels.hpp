// What the layers above call: an Encoder or Decoder made once, and loops over arrays that take it at run time.
#pragma once

#include "../halfulp/codebook.hpp"
#include "../halfulp/codec.hpp"
#include "../halfulp/decode.hpp"
#include "../halfulp/half_route.hpp"
#include "../halfulp/integer_route.hpp"
#include "../halfulp/pack.hpp"
#include "../halfulp/source.hpp"

namespace halfulp {

// How codes are computed from binary32. Chosen by the parameters of the codec, never by its name.
enum class Route : u8 {
  prefix,    // the front of a binary32, rounded in any mode
  common,    // nearest even with the ordinary policy
  any,       // every policy
  deep,      // every policy, and formats that reach below binary32's smallest normal
  wide,      // formats binary32 cannot serve: 64-bit words
  codebook,  // a search among levels
};

// A faster way on targets whose hardware converts to binary16 and to integers with a rounding of our choice.
// `binary32` serves that format itself, which the narrow routes cannot.
enum class Shortcut : u8 { none, half_route, binary16, integer, binary32 };

// A codec with everything the kernels of every target may read.
struct Encoder {
  Codec<u32> narrow;
  Codec<u64> wide;
  HalfRoute half;
  IntegerRoute integer;
  LevelSearch levels;
  Route route;
  Shortcut shortcut;
  Rounding rounding;
  bool flush_input;   // a source subnormal in its own type is zero
  bool via_binary32;  // the source is first rounded to binary32, nearest even
  int bits;
  int code_bytes;

  int random_bits;              // 0: the rounding is not stochastic; the rest is then meaningless
  bool random_narrow;           // 32-bit lanes do it from binary32
  bool random_narrow_from_odd;  // also from binary32 that was rounded to odd
  bool random_long;             // random integers reach below the 62 bits of a significand
};

// The types values are delivered in.
enum class Value : u8 { binary16, binary32, binary64, x87, binary128 };

// How codes become binary32.
enum class DecodeRoute : u8 {
  nibbles,  // at most 4 bits, values that end in two zero bytes: byte shuffles of the table's planes
  sixteen,  // at most 4 bits, any values
  half,     // by way of binary16, on targets that convert it in hardware
  integer,  // on targets that convert integers
  prefix,   // the front of a binary32
  any,
};

struct ValueDecoder {
  int bits;
  u64 code_mask;
  u32 min_normal;  // as binary32 bits; 0 if no code is subnormal
  Value smallest;  // binary16, binary32 or binary64: the first that holds every value
  DecodeRoute route;
  bool binary32;   // the result's type; binary64 otherwise
  bool has_table;  // at most 8 bits
  int code_bytes;
  HalfDecoder half;
  IntegerRoute integer;
  Decoder<u32> narrow;
  Decoder<u64> wide;
  u32 table[256];
  bool has_planes;    // bytes 0 and 1 of the table are all zero
  u8 planes[2][256];  // bytes 2 and 3
};

Encoder make_encoder(const Format& format, const Policy& policy, bool via_binary32);
// `mode`: null for the codebook's own decisions.
Encoder make_encoder(const Codebook& codebook, const Rounding* mode, const NanRule& nan, bool via_binary32);
ValueDecoder make_value_decoder(const Format& format);
// Codes that no level has become NaN.
ValueDecoder make_value_decoder(const Codebook& codebook);
int code_bytes(const Format& format);

// Whether a result is stored past the caches, which is faster if it would not stay in them and slower if it would.
// A target without such stores ignores it.
enum class Stores : u8 { cached, past_caches };

// What serves a call best that reads and writes so many bytes for each of its elements.
Stores stores_for(usize elements, usize bytes_from, usize bytes_to);

// Arithmetic on binary32 numbers, each result rounded to odd: so it is still exact enough to be rounded once more.
enum class Binary32Operation : u8 {
  copy,
  add,
  subtract,
  multiply,
  divide,
  sqrt,
  fma,
  lesser,
  greater,
  remainder,
  fmod
};

struct VectorOperation {
  Binary32Operation operation;
  bool exact;              // no result needs rounding
  bool negative_zero_sum;  // terms that cancel leave -0
  bool by_magnitude;       // of lesser and greater: the sign decides only between equal magnitudes
};

// From which magnitude of a binary32 result on (rounded to odd) its code overflows, and up to which it is tiny.
struct FlagRules {
  u32 over_positive;
  u32 over_negative;
  u32 tiny_positive;
  u32 tiny_negative;
  u32 ambiguous;  // the magnitude of which it cannot be told whether it overflows; that of Inf if none
  u32 flushes;    // all ones: what becomes zero is tiny, too
  u32 divides;    // all ones: a / b
};

// Products and quotients of codes of a byte: each operand is 1.fff * 2^exponent, zero or special, looked up by its
// code. Fractions of a pair give a fraction and a carry; exponents and carry a place; fraction and place the result.
struct ByteOperation {
  static constexpr u8 special = 0x80;        // among exponents: what the definition must see
  static constexpr u8 most_with_zero = 128;  // the highest place if an operand is zero

  bool usable;
  bool by_sign;         // the second table of `rounded` is for negative results; the least are not zero
  u8 exponent[2][256];  // 0 for zero
  u8 fraction[2][256];  // the first operand's three bits above the second one's
  u8 carry[64];
  u8 result_fraction[64];  // four bits and a sticky one
  u8 rounded[2][256];      // by how far the place lies below the least normal one (7: or farther), and fraction
  u8 least_normal;         // the place of results in the lowest normal binade
  u8 most_binades;         // above that one; farther ones overflow, too
  int mantissa_bits;
  u8 largest;  // finite magnitude
  u8 sign_bit;
  u8 without_sign;  // the magnitude that has none: zero, or one that there is not
};

// An operation on codes by way of binary32: decode, operate, encode.
struct FastOperation {
  bool usable;
  VectorOperation vector;
  bool compares;  // the result is no code
  bool halves;    // all codes are the upper halves of binary32 numbers, and none is flushed
  ByteOperation bytes;
  int operands;
  ValueDecoder from[3];
  u32 flush_below[3];  // as binary32 bits
  Encoder encoder;
  ValueDecoder value;
  FlagRules rules;
  bool signals[3];      // the format has signalling NaN
  bool nan_by_operand;  // which NaN results, or with which flags, depends on the operands
  bool generates_nan;   // one of its own when there is none among them
};

// Elements that go this way together, and what they are on it. Vectors need room up to a multiple of 16.
inline constexpr usize fast_block = 512;

struct alignas(64) Binary32Block {
  u32 x[fast_block + 16];
};

struct FastBlock {
  Binary32Block operands[3];
  Binary32Block rounded;  // to odd, but not yet to the result's format
};

inline constexpr u32 examined_tiny = 1;
inline constexpr u32 examined_large = 2;
inline constexpr u32 operands_left = 4;  // their numbers are not in the block
// Beside flags: what only the definition can settle.
inline constexpr u32 found_nan_operand = 0x100;
inline constexpr u32 found_ambiguous = 0x200;

// Codes that are looked for as they are made: those whose bits under the mask are these.
struct Watch {
  u64 mask;
  u64 bits;
};

// The loops of one target, over contiguous arrays.
struct Kernels {
  const char* isa;
  // From binary32 bits, for every route but `wide`.
  void (*encode)(const Encoder&, const u32* from, void* codes, usize n);
  // From any source, in 64-bit words. `flush` applies to sources subnormal in their own type.
  void (*encode_wide)(const Codec<u64>&, int code_bytes, Source, bool flush, const void* from, void* codes, usize n);
  // From any source to the codes of a codebook.
  void (*encode_levels)(const LevelSearch&, Source, const void* from, u8* codes, usize n);
  // Any source to binary32, rounded to odd.
  void (*narrow)(Source, bool flush, const void* from, u32* to, usize n);
  // Binary32 bits that are no signalling NaN to binary64 bits.
  void (*widen)(const u32* from, u64* to, usize n);
  // Codes to binary32 or binary64 bits.
  void (*decode)(const ValueDecoder&, const void* codes, void* to, usize n);
  // `narrow` and `encode` in one, for every route but `wide` and for every shortcut.
  void (*encode_from)(const Encoder&, Source, bool flush, const void* from, void* codes, usize n, Stores);
  // The same, and whether any code is watched for.
  bool (*encode_watched)(const Encoder&, const Watch&, Source, bool flush, const void* from, void* codes, usize n,
                         Stores);
  // `decode` with a choice of stores.
  void (*decode_to)(const ValueDecoder&, const void* codes, void* to, usize n, Stores);
  // decode(encode(x)) of binary32 bits, for every route but `wide` and formats that decode to binary32.
  void (*round)(const Encoder&, const ValueDecoder&, const u32* from, u32* to, usize n, Stores);
  // All words of 8 bytes, the last one filled up with zeros, or-ed together.
  u64 (*gather_bits)(const void* words, usize bytes);
  // The largest of n words of 1, 2, 4 or 8 bytes each, without sign, after a mask.
  u64 (*largest)(const void* words, usize bytes, u64 mask, usize n);
  // From any source with a random integer each, below 2^random_bits.
  void (*encode_random)(const Encoder&, Source, bool flush, const void* from, const u32* random, void* codes, usize n);
  // Bytes to where they belong; past the caches only whole, aligned cache lines, and only after `finish_stores` seen by
  // others.
  void (*store)(const void* from, void* to, usize bytes, Stores);
  void (*finish_stores)();
  // Integers `first` and on of a stream, `bits` bits each.
  void (*random)(u64 seed, u64 stream, u64 first, int bits, u32* to, usize n);
  // Codes of at most 8 bits, a byte each, to packed bits, padding included. Returns all codes or-ed together: if that
  // has a bit above the width, some code did, and what was written means nothing.
  u64 (*pack)(const Packing&, const u8* codes, u8* packed, usize n);
  void (*unpack)(const Packing&, const u8* packed, u8* codes, usize n);
  // Binary32 bits to nibbles, low or high one of each byte first, for every route but `wide` with codes of 4 bits.
  void (*encode_nibbles)(const Encoder&, bool high_first, const u32* from, u8* packed, usize n, Stores);
  // And back, for formats that decode to binary32.
  void (*decode_nibbles)(const ValueDecoder&, bool high_first, const u8* packed, u32* to, usize n, Stores);

  // Arithmetic; null on targets without. Operands of at most fast_block codes become numbers in the block.
  void (*decode_operands)(const FastOperation&, const void* const* codes, FastBlock& block, usize n);
  // The same, the numbers' result, and its codes. Returns whether any result may be tiny (and not zero) or large (an
  // overflow, Inf, NaN), and whether the operands' numbers were left out.
  u32 (*operate)(const FastOperation&, const void* const* codes, FastBlock& block, void* results, usize n);
  // The codes alone where all are `halves`; null where instructions don't round. Stops at a block in which something
  // `watched` (examined_...) may be, and at one that is not whole. Returns how many are done.
  usize (*operate_halves)(const FastOperation&, u32 watched, const void* const* codes, void* to, usize n, Stores);
  // The same where `bytes` is usable; null where a byte can not be looked up.
  usize (*operate_bytes)(const FastOperation&, u32 watched, const void* const* codes, void* to, usize n, Stores);
  // The flags of each result, but for signalling operands; all of them or-ed, and what was found beside. `values`: what
  // became of the results.
  u32 (*flags)(const FlagRules&, const u32* a, const u32* b, const u32* c, const u32* results, const u32* values,
               u8* flags, usize n);
  // a compared with b: -1, 0, 1, or 2 if either is NaN. Returns whether any is.
  bool (*compare)(const u32* a, const u32* b, i8* order, usize n);
};

extern const Kernels kernels_portable;
#if defined(__x86_64__) || defined(_M_X64)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif
#if defined(__aarch64__) && defined(__GNUC__)
extern const Kernels kernels_neon;
#endif

// The target in use: the best one this machine has, or the one asked for by HALFULP_ISA or use_isa.
const Kernels& kernels();
bool use_isa(const char* name);
// Names of the targets this machine can run, slowest first; null after the last.
const char* const* available_isas();

usize source_bytes(Source source);

usize value_bytes(Value value);

// Strided arrays, any alignment. `from` and `to` may be the same array if their elements are of the same size. `whole`:
// how many elements the caller's array has, if these are a part of it.
void encode(const Encoder&, Source, const char* from, isize from_stride, char* codes, isize code_stride, usize n,
            usize whole = 0);

// `encode` that says whether any code is watched for. Returns false, and has done nothing, if the arrays are not
// contiguous or are not encoded in one step.
bool encode_watched(const Encoder&, const Watch&, Source, const char* from, isize from_stride, char* codes,
                    isize code_stride, usize n, usize whole, bool* found);

// Codes of `code_bytes` bytes each. Returns the index of the first code with bits above the format's width (nothing
// before it is lost, nothing after it is written), or n.
usize decode(const ValueDecoder&, int code_bytes, const char* codes, isize code_stride, Value, char* to,
             isize to_stride, usize n, usize whole = 0);

// decode(encode(x)), through a small buffer.
void round(const Encoder&, const ValueDecoder&, Source, const char* from, isize from_stride, Value, char* to,
           isize to_stride, usize n, usize whole = 0);

// Codes of another format, encoded as their values. Bits above the source format's width are ignored.
void encode_codes(const Encoder&, const ValueDecoder& from_format, const char* from, isize from_stride, char* codes,
                  isize code_stride, usize n);
void round_codes(const Encoder&, const ValueDecoder&, const ValueDecoder& from_format, const char* from,
                 isize from_stride, Value, char* to, isize to_stride, usize n);

// The two operands of a stochastic conversion. Numbers are of a source type, or codes of `format` where it is not null;
// random integers are of an integer source type.
struct Numbers {
  Source source;
  const ValueDecoder* format;
  const char* from;
  isize stride;
};
struct RandomIntegers {
  Source source;
  const char* from;
  isize stride;
};

// Returns the index of the first random integer that is negative or 2^random_bits or more (nothing before it is lost,
// nothing after it is written), or n.
usize encode_random(const Encoder&, const Numbers&, const RandomIntegers&, char* codes, isize code_stride, usize n);
usize round_random(const Encoder&, const ValueDecoder&, const Numbers&, const RandomIntegers&, Value, char* to,
                   isize to_stride, usize n);

// Rows of n codes of `code_bytes` bytes each, one after another, to rows of packed_bytes(packing, n). False if some
// code has bits above the width; what was written then means nothing.
bool pack(const Packing&, int code_bytes, const void* codes, usize rows, usize n, u8* packed);
// And back, whatever the bits are that belong to no code.
void unpack(const Packing&, int code_bytes, const u8* packed, usize rows, usize n, void* codes);
// The first bit (counted over all rows) that belongs to no code and is set, or 8 * rows * packed_bytes(packing, n).
usize stray_bit(const Packing&, const u8* packed, usize rows, usize n);

// pack(encode(x)) and decode(unpack(p)) of contiguous arrays, through a small buffer. Packings of at most 8 bits.
void encode_packed(const Encoder&, const Packing&, Source, const char* from, usize rows, usize n, u8* packed);
void decode_packed(const ValueDecoder&, const Packing&, const u8* packed, usize rows, usize n, char* to);

}  // namespace halfulp
