// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kill -9 of all nodes at once, which are in one JVM, while they write. */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
final class StateKillTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"1, 20", "3, 5"})
  @Tag("INV-AG-2")
  void nothingAcknowledgedIsLostByKill(int nodes, int kills) throws Exception {
    Random random = new Random();
    Map<String, Long> acknowledged = new HashMap<>();
    for (int round = 0; round <= kills; round++) {
      Process writer = TestJvm.fork(StateWriter.class, folder.toString(), Integer.toString(nodes));
      try (BufferedReader out = TestJvm.output(writer)) {
        follow(out, acknowledged, 1 + random.nextInt(1_500));
        // Not Process.destroyForcibly, which closes the pipe before it is read to its end.
        writer.toHandle().destroyForcibly();
        follow(out, acknowledged, Integer.MAX_VALUE);
      } finally {
        writer.destroyForcibly().waitFor();
      }
      assertThat(StateFile.prepare(folder.resolve("node0"), Clock.systemUTC()))
          .as("set aside after round %d", round)
          .isEmpty();
    }
    assertThat(acknowledged).hasSize(StateWriter.STATES);
  }

  /** Reads lines, at least until all states are recovered. */
  private static void follow(BufferedReader out, Map<String, Long> acknowledged, int lines)
      throws IOException {
    int recovered = 0;
    for (int read = 0; read < lines || recovered < StateWriter.STATES; read++) {
      String line = out.readLine();
      if (line == null) {
        assertThat(lines).as("the writer ended by itself").isEqualTo(Integer.MAX_VALUE);
        return;
      }
      String[] words = line.split(" ");
      switch (words[0]) {
        case "recovered" -> {
          recovered++;
          assertThat(Long.parseLong(words[2]))
              .as("%s recovered", words[1])
              .isGreaterThanOrEqualTo(acknowledged.getOrDefault(words[1], 0L));
        }
        case "acknowledged" -> acknowledged.put(words[1], Long.parseLong(words[2]));
        default -> assertThat(line).isEqualTo("started");
      }
    }
  }
}
