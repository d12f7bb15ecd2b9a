// The same converter in hardware, checked against the library through DPI-C.
//
// Any simulator that speaks DPI-C runs it. With Verilator, where I is halfulp.get_include() and L the folder of
// halfulp.get_library():
//
//   > verilator --binary --timing -Wno-WIDTH --top-module testbench $I/halfulp/halfulp.sv testbench.sv $L/libhalfulp.so
//   > LD_LIBRARY_PATH=$L obj_dir/Vtestbench
module e4m3_converter (input logic [31:0] bits, output logic [7:0] code);
  logic [7:0] field;
  logic [31:0] significand, rounded, magnitude;
  int shift, binade;
  always_comb begin
    field = bits[30:23];
    significand = {8'b0, 1'b1, bits[22:0]};
    binade = int'(field) - 127 + 6;
    shift = 20 + (binade < 0 ? -binade : 0);
    rounded = shift > 25 ? 0 : (significand + (32'd1 << (shift - 1))) >> shift;  // a tie goes up: that is the bug
    magnitude = ((binade < 0 ? 0 : binade) << 3) + rounded;
    code = {bits[31], field == 8'hff || magnitude > 32'h7e ? 7'h7f : magnitude[6:0]};
  end
endmodule

module testbench;
  import halfulp::*;
  logic [31:0] bits;
  logic [7:0] code;
  int wrong = 0;
  chandle e4m3;
  longint want;
  e4m3_converter dut (.bits(bits), .code(code));
  initial begin
    e4m3 = halfulp_codec_named("float8_e4m3fn", NEAREST_EVEN, DEFAULT, GRADUAL);
    if (e4m3 == null) $fatal(1, "no such format");
    for (int upper = 0; upper < 'h10000; upper++) begin
      bits = upper << 16;
      #1;
      want = halfulp_encode_float_bits(e4m3, bits);
      if (longint'(code) != want) begin
        wrong++;
        if (wrong <= 3) $display("bfloat16 %04x: the converter gives %02x, the format %02x", upper, code, want[7:0]);
      end
    end
    $display("%0d of 65536 inputs differ: the ties", wrong);
    halfulp_codec_free(e4m3);
    $finish;
  end
endmodule
