// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestObject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@RequiresKernel
class ProgramTest {
  private static final byte[] PACKET = new byte[64];

  private static Fd load(byte[] instructions, Fd... maps) {
    return Programs.load(Programs.SCHED_CLS, "test", instructions, List.of(maps));
  }

  @Test
  void fromRawInstructions() {
    try (Fd program = load(Code.returning(42))) {
      assertThat(TestRun.once(program, PACKET, null).verdict()).isEqualTo(42);
      ProgramInfo info = ProgramInfo.of(program);
      assertThat(info.name()).isEqualTo("test");
      assertThat(info.tag()).hasSize(16);
      assertThat(info.instructions()).isEqualTo(2);
    }
  }

  @Test
  void mapReferencesByIndex() {
    try (Fd map = new MapSpec(MapType.ARRAY, "m", 4, 4, 1, 0).create();
        Fd program = load(Code.usingMap(7), map)) {
      assertThat(ProgramInfo.of(program).mapIds()).containsExactly(MapInfo.of(map).id());
      assertThat(TestRun.once(program, PACKET, null).verdict()).isEqualTo(7);
    }
  }

  @Test
  void verifierErrorTellsWhy() {
    assertThatExceptionOfType(VerifierException.class)
        .isThrownBy(() -> load(Code.broken()))
        .withMessageContaining("load program test: EACCES")
        .withMessageContaining("R3 !read_ok")
        .satisfies(e -> assertThat(e.log()).contains("processed "))
        .matches(e -> e.errno() == Errno.EACCES);
  }

  @Test
  void testRunTakesAndGivesPacketAndContext() {
    byte[] elf =
        TestObject.compile(
            """
            const volatile int zeroth = 7;
            const volatile struct { int first; int second; } numbers = {1, 2};
            SEC("tc") int echo(struct __sk_buff *skb) {
              char byte = 0x5a;
              bpf_skb_store_bytes(skb, 20, &byte, 1, 0);
              skb->cb[2] = skb->cb[0] + skb->cb[1] + numbers.second + zeroth;
              skb->mark |= 0x100;
              return skb->ingress_ifindex;
            }
            SEC("tc") int unwanted(struct __sk_buff *skb) { return skb->len; }
            """);
    try (BpfObject object = new BpfObject("echo", elf)) {
      assertThat(object.programNames()).containsExactlyInAnyOrder("echo", "unwanted");
      ByteBuffer rodata = object.initialValue("numbers");
      assertThat(rodata.getInt(4)).isEqualTo(2);
      rodata.putInt(4, 1000);
      object.without("unwanted").load();
      try (Fd program = object.programFd("echo")) {
        SkbContext context = SkbContext.EMPTY.onInterface(1).withMark(1).withCb(20, 3);
        TestRun.Result result = TestRun.once(program, PACKET, context);
        assertThat(result.verdict()).isEqualTo(1);
        assertThat(result.packet()).hasSize(64);
        assertThat(result.packet()[20]).isEqualTo((byte) 0x5a);
        assertThat(result.context().mark()).isEqualTo(0x101);
        assertThat(result.context().cb2()).isEqualTo(1030);
        TestRun many = new TestRun(program, 64).packet(PACKET);
        assertThat(many.run(10_000)).isZero();
        assertThat(many.durationNanos()).isBetween(1L, 100_000L);
      }
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> object.programFd("unwanted"));
    }
  }

  @Test
  void objectThatTheVerifierRefusesNamesTheProgram() {
    byte[] elf =
        TestObject.compile(
            """
            SEC("tc") int good(struct __sk_buff *skb) { return 0; }
            SEC("tc") int wild(struct __sk_buff *skb) {
              return *(int *)(long)(skb->len + 100);
            }
            """);
    try (BpfObject object = new BpfObject("refused", elf)) {
      assertThatExceptionOfType(VerifierException.class)
          .isThrownBy(object::load)
          .withMessageContaining("load object refused")
          .withMessageContaining("wild")
          .withMessageContaining("invalid mem access")
          .satisfies(e -> assertThat(e.log()).contains("processed "));
    }
  }

  @Test
  void noObjectAtAll() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> new BpfObject("text", "no ELF".getBytes(StandardCharsets.UTF_8)))
        .withMessageContaining("open object text")
        .withMessageContaining("libbpf says: ");
  }

  @Test
  void objectsShareMapsByPins() {
    byte[] elf =
        TestObject.compile(
            """
            struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
                     __uint(max_entries, 4); } shared SEC(".maps");
            SEC("tc") int count(struct __sk_buff *skb) {
              __u32 key = 1;
              __u64 *value = bpf_map_lookup_elem(&shared, &key);
              return value ? ++*value : -1;
            }
            """);
    try (TestBpffs bpffs = TestBpffs.mount()) {
      Path pin = bpffs.path().resolve("shared");
      try (BpfObject object = new BpfObject("first", elf).maxEntries("shared", 8).load();
          Fd map = object.mapFd("shared");
          Fd program = object.programFd("count")) {
        assertThat(MapInfo.of(map).maxEntries()).isEqualTo(8);
        Bpf.pin(map, pin);
        assertThat(TestRun.once(program, PACKET, null).verdict()).isEqualTo(1);
      }
      try (Fd map = Bpf.get(pin);
          BpfObject object = new BpfObject("second", elf).useMap("shared", map).load();
          Fd program = object.programFd("count")) {
        assertThat(TestRun.once(program, PACKET, null).verdict()).isEqualTo(2);
      }
      assertThat(Bpf.find(bpffs.path().resolve("none"))).isEmpty();
    }
  }

  @Test
  void ringBufferEventsReachJava() {
    byte[] elf =
        TestObject.compile(
            """
            struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 16); } ring
              SEC(".maps");
            SEC("tc") int emit(struct __sk_buff *skb) {
              __u32 value = skb->mark;
              bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
              return 0;
            }
            """);
    try (BpfObject object = new BpfObject("ring", elf).load();
        Fd program = object.programFd("emit")) {
      List<Integer> seen = new ArrayList<>();
      try (RingBuffer ring =
          new RingBuffer(
              object.mapFd("ring"),
              bytes -> {
                int value = bytes.getInt(0);
                if (value == 13) {
                  throw new IllegalArgumentException("thirteen");
                }
                seen.add(value);
              })) {
        assertThat(ring.poll(Duration.ofMillis(1))).isZero();
        for (int i = 10; i < 15; i++) {
          TestRun.once(program, PACKET, SkbContext.EMPTY.withMark(i));
        }
        assertThatExceptionOfType(IllegalArgumentException.class)
            .isThrownBy(() -> ring.poll(Duration.ofSeconds(1)))
            .withMessage("thirteen");
        ring.poll(Duration.ofSeconds(1));
        assertThat(seen).containsSubsequence(10, 11, 12).endsWith(14);
      }
    }
  }
}
