// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two builds take turns on an interface while packets come in: each packet meets exactly one. */
@RequiresKernel
class SwitchUnderTrafficTest {
  private static final int PAYLOAD = 333;
  private static final int LENGTH = 14 + 20 + 8 + PAYLOAD;
  private static final int SWITCHES = 400;

  /** Fewer than what the kernel queues for a CPU: a flood would lose packets by itself. */
  private static final int IN_FLIGHT = 200;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Tag("INV-PROG-6")
  void noPacketMeetsNoneOrTwo(boolean tcx) {
    try (TestBpffs bpffs = TestBpffs.mount();
        TestNetns host = TestNetns.create("kbpf");
        TestNetns pod = TestNetns.create("kbpf")) {
      host.sh("ip link add va type veth peer name vb netns " + pod.name());
      host.sh("ip link set va up; ip address add 10.9.9.1/24 dev va");
      pod.sh("ip link set vb up; ip address add 10.9.9.2/24 dev vb");
      host.netns()
          .run(
              () -> {
                switchBuilds(bpffs.path().resolve("sluice"), tcx, pod);
                return null;
              });
    }
  }

  private static void switchBuilds(Path root, boolean tcx, TestNetns pod) {
    Map<String, Integer> small = Map.of("ct4", 4096, "ct6", 4096);
    Settings settings = new Settings(0, 0, 250, 0, 0, 1, 2, 0, 4789);
    Objects one = TestBuilds.with(Map.of("preamble4", TestBuilds.countingPreamble(LENGTH, 1)));
    Objects two = TestBuilds.with(Map.of("preamble4", TestBuilds.countingPreamble(LENGTH, 2)));
    try (MapStore maps = MapStore.open(root, one, small);
        Build first = Build.open(root, one, maps, settings, false);
        Build second = Build.open(root, two, maps, settings, false);
        BpfMap<Integer, Long> seen = maps.open("seen", Codec.U32, Codec.U64)) {
      assertThat(first.id()).isNotEqualTo(second.id());
      Attacher attacher = new Attacher(root, tcx);
      int va = Interfaces.index("va");
      attacher.attach("va", va, first);
      LongSupplier counted = () -> seen.get(SluiceHook.HOOK_IN).orElseThrow();
      AtomicBoolean stop = new AtomicBoolean();
      CompletableFuture<Long> sender =
          CompletableFuture.supplyAsync(() -> pod.netns().run(() -> send(stop, counted)));
      await().until(() -> counted.getAsLong() > 0);
      for (int i = 0; i < SWITCHES; i++) {
        attacher.attach("va", va, i % 2 == 0 ? second : first);
      }
      stop.set(true);
      long sent = sender.join();
      await()
          .atMost(Duration.ofSeconds(5))
          .untilAsserted(() -> assertThat(counted.getAsLong()).isEqualTo(sent));
      assertThat(sent).isGreaterThan(SWITCHES);
    }
  }

  /** Sends until told to stop; returns how many. Waits for the count, so a packet lost ends it. */
  private static long send(AtomicBoolean stop, LongSupplier counted) throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      InetAddress target = InetAddress.getByAddress(new byte[] {10, 9, 9, 1});
      DatagramPacket packet = new DatagramPacket(new byte[PAYLOAD], PAYLOAD, target, 9);
      long sent = 0;
      while (!stop.get()) {
        if (sent - counted.getAsLong() < IN_FLIGHT) {
          socket.send(packet);
          sent++;
        } else {
          Thread.onSpinWait();
        }
      }
      return sent;
    }
  }
}
