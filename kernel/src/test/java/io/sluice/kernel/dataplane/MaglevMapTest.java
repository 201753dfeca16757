// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.bpf.ArrayContent;
import io.sluice.kernel.bpf.ArrayOfMaps;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.MapInfo;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.MaglevHead;
import io.sluice.kernel.layout.MaglevUnmoved;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class MaglevMapTest {
  private static final int ETHERNET = 14;
  private static final int PACKET = 64;
  private static final Map<String, Integer> SMALL =
      Map.of("ct4", 4096, "ct6", 4096, "backends4", 4096, "backends6", 4096, "services", 100);

  private TestBpffs bpffs;
  private Path root;
  private DataplaneOptions options;

  @BeforeEach
  void mount() {
    bpffs = TestBpffs.mount();
    root = bpffs.path().resolve("sluice");
    options = DataplaneOptions.defaults(bpffs.path()).withMapSizes(SMALL);
  }

  @AfterEach
  void unmount() {
    bpffs.close();
  }

  private static MaglevTable table(long generation, int base, int count, int size) {
    char[] slots = new char[size];
    Random random = new Random(generation);
    for (int slot = 0; slot < size; slot++) {
      slots[slot] = (char) random.nextInt(count);
    }
    return new MaglevTable(generation, base, count, slots);
  }

  /** The same; some slots led to other elements of the span before. */
  private static MaglevTable moved(MaglevTable table) {
    char[] slots = new char[table.size()];
    char[] former = new char[table.size()];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = (char) (table.position(slot) % 2);
      former[slot] = slot % 3 == 0 ? 2 : MaglevTable.UNMOVED;
    }
    return new MaglevTable(table.generation(), table.base(), 3, slots, former);
  }

  private static Map<Integer, MaglevTable> all(Dataplane dataplane) {
    Map<Integer, MaglevTable> all = new HashMap<>();
    dataplane.maglev().forEach(all::put);
    return all;
  }

  @Test
  void tablesOfAnySizeComeAndGo() {
    MaglevTable one = table(1, 0, 3, 65_537);
    MaglevTable large = table(0x1_2345_6789L, 5, 300, 131_071);
    MaglevTable empty = new MaglevTable(7, 0, 0, new char[0]);
    try (DataplaneLoader dataplane = DataplaneLoader.open(options)) {
      assertThat(dataplane.maglev().maxEntries()).isEqualTo(100); // as services
      assertThat(all(dataplane)).isEmpty();
      dataplane.maglev().putAll(Map.of(1, one, 99, large, 4, empty));
      assertThat(all(dataplane)).isEqualTo(Map.of(1, one, 99, large, 4, empty));
      dataplane.maglev().put(1, large);
      assertThat(dataplane.maglev().get(1)).contains(large);
      dataplane.maglev().removeAll(List.of(1, 2, 99));
      assertThat(all(dataplane)).isEqualTo(Map.of(4, empty));
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> dataplane.maglev().put(100, one))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.E2BIG));
    }
  }

  @Test
  @Tag("INV-MAG-3")
  void formerBackendsComeWithTheTable() {
    MaglevTable one = moved(table(1, 7, 3, 65_537)); // an odd number of words before them
    MaglevTable large = moved(table(2, 7, 3, 524_309));
    try (DataplaneLoader dataplane = DataplaneLoader.open(options);
        ArrayOfMaps places = new ArrayOfMaps("maglev", Bpf.get(root.resolve("maps/maglev")))) {
      dataplane.maglev().putAll(Map.of(1, one, 2, large));
      assertThat(all(dataplane)).isEqualTo(Map.of(1, one, 2, large));
      assertThat(one.members()).isEqualTo(2);
      assertThat(one.hasFormer()).isTrue();
      try (Fd table = places.get(1).orElseThrow()) {
        ByteBuffer words = ArrayContent.read("t", table);
        int previous = words.getInt(4 * MaglevHead.MAGLEV_PREVIOUS);
        assertThat(words.getInt(4 * previous)).isEqualTo(7 + 2);
        assertThat(words.getInt(4 * (previous + 1))).isEqualTo(MaglevUnmoved.MAGLEV_UNMOVED);
        assertThat(words.capacity()).isLessThan(2 * 4 * 65_537 + 64);
      }
    }
  }

  @Test
  @Tag("INV-CT-6")
  void tablesOutliveTheAgent() {
    MaglevTable table = table(3, 10, 20, 65_537);
    RouteKey client = new RouteKey(24, Ip.parse("192.0.2.0"));
    try (DataplaneLoader dataplane = DataplaneLoader.open(options)) {
      dataplane.maglev().put(5, table);
      dataplane.dsrOptout(Family.IPV4).put(client, 1);
    }
    try (PinnedDataplane pinned = PinnedDataplane.open(bpffs.path())) {
      assertThat(pinned.maglev().get(5)).contains(table);
      assertThat(pinned.dsrOptout(Family.IPV4).get(client)).contains(1);
    }
    try (DataplaneLoader dataplane = DataplaneLoader.open(options)) {
      assertThat(dataplane.notes()).isEmpty();
      assertThat(all(dataplane)).isEqualTo(Map.of(5, table));
    }
  }

  /** Whatever else is in a place is not misread, and equals no table. */
  @Test
  @Tag("INV-CT-6")
  void whatIsNoTableIsNotMisread() {
    try (DataplaneLoader dataplane = DataplaneLoader.open(options);
        ArrayOfMaps places = new ArrayOfMaps("maglev", Bpf.get(root.resolve("maps/maglev")));
        Fd zeroes = new MapSpec(MapType.ARRAY, "t", 4, 8, 10, MapSpec.INNER_MAP).create();
        Fd tooShort = new MapSpec(MapType.ARRAY, "t", 4, 8, 1, MapSpec.INNER_MAP).create();
        Fd other = new MapSpec(MapType.ARRAY, "t", 4, 4, 10, MapSpec.INNER_MAP).create()) {
      places.set(1, zeroes);
      places.set(2, tooShort);
      assertThat(all(dataplane))
          .isEqualTo(Map.of(1, MaglevMap.UNREADABLE, 2, MaglevMap.UNREADABLE));
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> places.set(3, other))
          .withMessageContaining("not of the kind");
      dataplane.maglev().removeAll(List.of(1, 2));
      assertThat(all(dataplane)).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("INV-MAG-1")
  void programsFindTheSlotThatTheHashScalesTo(Family family) {
    try (DataplaneLoader dataplane = DataplaneLoader.open(options);
        BpfObject object = Probe.open(family, root);
        Fd program = object.programFd("probe_maglev")) {
      MaglevTable table = table(1, 40, 500, 65_537);
      dataplane.maglev().put(9, table);
      dataplane.maglev().put(10, new MaglevTable(1, 0, 0, new char[0]));
      TestRun run = new TestRun(program, PACKET);
      Random random = new Random(1);
      for (int i = 0; i < 1000; i++) {
        int hash = i == 0 ? 0 : i == 1 ? -1 : random.nextInt();
        ByteBuffer answer = ask(run, 9, hash);
        int slot = (int) (Integer.toUnsignedLong(hash) * table.size() >>> 32);
        assertThat(answer.getInt(ETHERNET + 12)).isEqualTo(1);
        assertThat(answer.getInt(ETHERNET + 8)).isEqualTo(40 + table.position(slot));
      }
      assertThat(ask(run, 10, 5).getInt(ETHERNET + 12)).as("an empty table").isZero();
      assertThat(ask(run, 11, 5).getInt(ETHERNET + 12)).as("no table").isZero();
    }
  }

  private static ByteBuffer ask(TestRun run, int service, int hash) {
    ByteBuffer packet = ByteBuffer.allocate(PACKET).order(ByteOrder.nativeOrder());
    packet.putInt(ETHERNET, service).putInt(ETHERNET + 4, hash);
    assertThat(run.packet(packet.array()).run(1)).isZero();
    return ByteBuffer.wrap(run.output()).order(ByteOrder.nativeOrder());
  }

  /**
   * A program picks backends without pause, while tables and spans are exchanged below it. Each
   * span bears its table's generation, and a span is written again once its table is out of its
   * place: so a pick from another generation would show.
   */
  @Test
  @Tag("INV-MAG-4")
  void noPacketSeesTwoGenerations() throws Exception {
    int count = 50;
    try (DataplaneLoader dataplane = DataplaneLoader.open(options);
        BpfObject object = Probe.open(Family.IPV4, root);
        Fd program = object.programFd("probe_maglev")) {
      span(dataplane, 0, count, 0);
      dataplane.maglev().put(7, table(0, 0, count, 65_537));
      CompletableFuture<Boolean> stop = new CompletableFuture<>();
      CompletableFuture<ByteBuffer> packets =
          CompletableFuture.supplyAsync(() -> run(program, stop));
      int swaps = 60;
      for (int generation = 1; generation <= swaps; generation++) {
        int base = generation % 2 * count;
        span(dataplane, base, count, generation);
        dataplane.maglev().put(7, table(generation, base, count, 65_537));
      }
      stop.complete(true);
      ByteBuffer answer = packets.get();
      assertThat(answer.getInt(ETHERNET + 16)).as("picks").isGreaterThan(10_000);
      assertThat(answer.getInt(ETHERNET + 20)).as("of another generation").isZero();
    }
  }

  private static void span(Dataplane dataplane, int base, int count, int generation) {
    Map<Integer, Backend> span = new HashMap<>();
    for (int i = 0; i < count; i++) {
      span.put(base + i, new Backend(Ip.parse("10.0.0.1"), 80, generation, 7, 1 + i, 0));
    }
    dataplane.backends(Family.IPV4).putAll(span);
  }

  private static ByteBuffer run(Fd program, CompletableFuture<Boolean> stop) {
    TestRun run = new TestRun(program, PACKET);
    ByteBuffer packet = ByteBuffer.allocate(PACKET).order(ByteOrder.nativeOrder());
    packet.putInt(ETHERNET, 7);
    while (!stop.isDone()) {
      assertThat(run.packet(packet.array()).run(100)).isZero();
      packet.put(0, run.output());
    }
    return packet;
  }

  /** The array before goes with its last reader, or agents that live long would eat the memory. */
  @Test
  void aTableThatIsReplacedGoes() {
    try (DataplaneLoader dataplane = DataplaneLoader.open(options);
        ArrayOfMaps places = new ArrayOfMaps("maglev", Bpf.get(root.resolve("maps/maglev")))) {
      dataplane.maglev().put(1, table(1, 0, 3, 65_537));
      int first;
      try (Fd table = places.get(1).orElseThrow()) {
        first = MapInfo.of(table).id();
      }
      dataplane.maglev().put(1, table(2, 0, 3, 65_537));
      await().until(() -> Bpf.mapById(first).map(MaglevMapTest::closed).isEmpty());
    }
  }

  private static Fd closed(Fd fd) {
    fd.close();
    return fd;
  }
}
