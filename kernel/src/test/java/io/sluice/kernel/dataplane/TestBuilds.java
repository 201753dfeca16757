// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.testing.TestObject;
import java.util.Map;

/** Objects that differ from those that are shipped. */
final class TestBuilds {
  private static final String COMMON =
      """
      struct settings { __u32 w[10]; };
      const volatile struct settings settings;
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __type(key, __u32); __type(value, __u32);
               __uint(max_entries, 24); } progs SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __type(key, __u32); __type(value, __u32);
               __uint(max_entries, 16384); } policies SEC(".maps");
      """;

  private TestBuilds() {}

  /** The shipped objects with some replaced. */
  static Objects with(Map<String, byte[]> replaced) {
    return name -> replaced.containsKey(name) ? replaced.get(name) : Objects.SHIPPED.read(name);
  }

  /** Programs that no verifier lets pass. */
  static byte[] refused() {
    return TestObject.compile(
        COMMON
            + """
            SEC("tc") int prog_main(struct __sk_buff *skb) {
              bpf_tail_call(skb, &progs, 1);
              bpf_tail_call(skb, &policies, 1);
              return *(int *)(long)(skb->len + settings.w[0] + 100);
            }
            """);
  }

  /** A preamble that passes every packet, as another build might have it. */
  static byte[] otherPreamble() {
    return TestObject.compile(
        COMMON
            + """
            SEC("tc") int preamble(struct __sk_buff *skb) {
              bpf_tail_call(skb, &progs, settings.w[0] + 23);
              bpf_tail_call(skb, &policies, 16000);
              return -1;
            }
            """);
  }

  /**
   * A preamble that counts the packets of one length at its hook, and passes them.
   *
   * @param version makes it another program than that of another version
   */
  static byte[] countingPreamble(int length, int version) {
    return TestObject.compile(
        COMMON
            + """
            struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
                     __uint(max_entries, 2); } seen SEC(".maps");
            SEC("tc") int preamble(struct __sk_buff *skb) {
              __u32 key = settings.w[0];
              __u64 *count = bpf_map_lookup_elem(&seen, &key);
              if (count && skb->len == %d)
                __sync_fetch_and_add(count, 1);
              if (skb->mark == %d) {
                bpf_tail_call(skb, &progs, 23);
                bpf_tail_call(skb, &policies, 16000);
              }
              return -1;
            }
            """
                .formatted(length, 0x1234_0000 + version));
  }
}
