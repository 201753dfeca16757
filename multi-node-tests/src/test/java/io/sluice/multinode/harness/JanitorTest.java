// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.LabNames;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A test run that is killed leaves nothing, whatever it had broken. */
@ExtendWith(NeedsRoot.class)
class JanitorTest {
  private static final LabNames NAMES = LabNames.named("slt-mntk");

  @Test
  void aKilledJvmLeavesNothing() throws Exception {
    Process run =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:-UseContainerSupport",
                    "-XX:TieredStopAtLevel=1",
                    "-Dsurefire.test.class.path=" + classPath(),
                    "-cp",
                    classPath(),
                    JanitorTest.class.getName()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(run.inputReader().readLine()).isEqualTo("up");
    assertThat(traces()).isNotEmpty();
    run.destroyForcibly().waitFor();
    await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(traces()).isEmpty());
  }

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  private static List<String> traces() throws IOException {
    Stream<String> mounts = Files.readAllLines(Path.of("/proc/self/mountinfo")).stream();
    Stream<String> files =
        Stream.of("/run", "/run/netns").flatMap(f -> Stream.of(Path.of(f).toFile().list()));
    return Stream.concat(mounts, files)
        .filter(line -> line.contains(NAMES.name() + "-"))
        // The lock's file stays: whoever waits for it has it open.
        .filter(line -> !line.endsWith(".lock"))
        .toList();
  }

  /** A run of tests that has a lab up with something broken, and is killed. */
  public static void main(String[] arguments) throws Exception {
    Topology topology = Topology.standard(2).withDataSize("1m");
    try (Lab lab = Lab.open(NAMES, null, line -> {})) {
      Janitor.watch(NAMES);
      lab.up(topology);
      Cluster cluster = new Cluster(lab, topology);
      cluster.faults().cutLink("node1");
      cluster.faults().fillDisk("node2");
      cluster.start(
          Cluster.host("client"),
          io.sluice.lab.Traffic.Spec.newFlows("udp", Addresses.CLIENT4, 9, 10));
      System.out.println("up");
      System.in.read();
    }
  }
}
