// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

/**
 * Helper functions of the kernel that generated programs call, by their fixed numbers (enum
 * bpf_func_id in linux/bpf.h). Arguments are R1 to R5, the result is R0.
 */
public enum Helper {
  MAP_LOOKUP_ELEM(1),
  MAP_UPDATE_ELEM(2),
  MAP_DELETE_ELEM(3),
  KTIME_GET_NS(5),
  TRACE_PRINTK(6),
  GET_PRANDOM_U32(7),
  GET_SMP_PROCESSOR_ID(8),
  SKB_STORE_BYTES(9),
  L3_CSUM_REPLACE(10),
  L4_CSUM_REPLACE(11),
  TAIL_CALL(12),
  SKB_GET_TUNNEL_KEY(20),
  SKB_SET_TUNNEL_KEY(21),
  REDIRECT(23),
  SKB_LOAD_BYTES(26),
  CSUM_DIFF(28),
  SKB_CHANGE_TAIL(38),
  SKB_PULL_DATA(39),
  CSUM_UPDATE(40),
  FIB_LOOKUP(69),
  JIFFIES64(118),
  RINGBUF_OUTPUT(130),
  REDIRECT_NEIGH(152),
  REDIRECT_PEER(155);

  private final int id;

  Helper(int id) {
    this.id = id;
  }

  public int id() {
    return id;
  }

  /** As the kernel prints it: {@code bpf_tail_call#12}; {@code #99} for one not listed here. */
  static String describe(int id) {
    for (Helper helper : values()) {
      if (helper.id == id) {
        return "bpf_" + helper.name().toLowerCase(java.util.Locale.ROOT) + "#" + id;
      }
    }
    return "#" + id;
  }
}
