// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class LocalJournalTest {
  private static final String URL = "akka-persistence-jdbc.shared-databases.slick.db.url";

  @TempDir Path folder;

  /** INV-AG-2: what was acknowledged before a kill -9, at whatever instant, is there afterwards. */
  @Test
  @Tag("INV-AG-2")
  void acknowledgedEventsSurviveKill() throws Exception {
    Random random = new Random();
    long acknowledged = 0;
    for (int round = 0; round < 6; round++) {
      Process writer = fork(Long.MAX_VALUE);
      try (BufferedReader out = TestJvm.output(writer)) {
        assertThat(number(out.readLine(), "recovered"))
            .as("recovered in round %d", round)
            .isGreaterThanOrEqualTo(acknowledged);
        int enough = 1 + random.nextInt(400);
        for (int i = 0; i < enough; i++) {
          acknowledged = number(out.readLine(), "acknowledged");
        }
        // Not Process.destroyForcibly, which closes the pipe before it is read to its end.
        writer.toHandle().destroyForcibly();
        // What it had printed before it died counts, too.
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          acknowledged = number(line, "acknowledged");
        }
      } finally {
        writer.destroyForcibly().waitFor();
      }
    }
    assertThat(persist(0)).isGreaterThanOrEqualTo(acknowledged);
  }

  /** A writer that stops after so many events and then does nothing, until it is killed. */
  private Process fork(long events) throws IOException {
    return TestJvm.fork(Counting.class, folder.toString(), Long.toString(events));
  }

  private static long number(String line, String word) {
    assertThat(line).as("the writer's output").startsWith(word + " ");
    return Long.parseLong(line.substring(word.length() + 1));
  }

  /**
   * Persists so many events, in a process of its own that is killed afterwards.
   *
   * @return how many events it found
   */
  private long persist(long events) throws Exception {
    Process writer = fork(events);
    try (BufferedReader out = TestJvm.output(writer)) {
      long recovered = number(out.readLine(), "recovered");
      for (long i = 1; i <= events; i++) {
        assertThat(number(out.readLine(), "acknowledged")).isEqualTo(recovered + i);
      }
      return recovered;
    } finally {
      writer.destroyForcibly().waitFor();
    }
  }

  @Test
  @Tag("INV-AG-2")
  void stopAndStartKeepEverythingAndSetNothingAside() throws Exception {
    persist(250);
    assertThat(LocalJournal.open(folder).setAside()).isEmpty();
    assertThat(persist(0)).isEqualTo(250);
  }

  @Test
  void snapshotsKeepTheJournalSmall() throws Exception {
    persist(1_000);
    String url = LocalJournal.open(folder).config().getString(URL);
    try (Connection connection = DriverManager.getConnection(url, "sa", "");
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT COUNT(*) FROM \"event_journal\" WHERE NOT \"deleted\"")) {
      rows.next();
      assertThat(rows.getInt(1)).isLessThan(300);
    }
    assertThat(persist(0)).isEqualTo(1_000);
  }

  /** Damage of many shapes: never an exception, never half of the events. */
  @ParameterizedTest
  @ValueSource(strings = {"empty", "garbage", "truncated", "head", "body", "zeroes"})
  void damagedFileIsSetAside(String damage) throws Exception {
    persist(300);
    Path file = folder.resolve("journal.mv.db");
    byte[] before = Files.readAllBytes(file);
    damage(file, damage, before.length);

    LocalJournal.Opened opened = LocalJournal.open(folder);

    assertThat(opened.setAside()).as("set aside").isPresent();
    assertThat(opened.setAside().get().getFileName().toString())
        .matches("journal\\.damaged-\\d{8}T\\d{6}\\.\\d{3}Z\\.mv\\.db");
    assertThat(opened.setAside().get()).exists();
    assertThat(persist(0)).isZero();
    persist(3);
    assertThat(persist(0)).isEqualTo(3);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.filter(f -> f.toString().contains("damaged"))).hasSize(1);
    }
  }

  private static void damage(Path file, String damage, int length) throws IOException {
    byte[] noise = new byte[length];
    new Random(42).nextBytes(noise);
    switch (damage) {
      case "empty" -> Files.write(file, new byte[0]);
      case "garbage" -> Files.write(file, noise);
      case "truncated" -> overwrite(file, 0, new byte[0], 8192 + 100);
      case "head" -> overwrite(file, 0, Arrays.copyOf(noise, 8192), length);
      case "body" -> overwrite(file, 8192, Arrays.copyOf(noise, length - 8192), length);
      case "zeroes" -> overwrite(file, 8192, new byte[length - 8192], length);
      default -> throw new IllegalArgumentException(damage);
    }
  }

  private static void overwrite(Path file, long at, byte[] bytes, long length) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes), at);
      channel.truncate(length);
    }
  }

  @Test
  void secondAgentOnOneFolderIsRefused() throws Exception {
    String url = LocalJournal.open(folder).config().getString(URL);
    Process other = fork(0);
    try (BufferedReader out = TestJvm.output(other)) {
      assertThat(out.readLine()).startsWith("recovered");
      assertThatThrownBy(() -> LocalJournal.open(folder))
          .isInstanceOf(JournalException.class)
          .hasMessageContaining("in use by another agent");
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertThat(url).contains("WRITE_DELAY=0;RETENTION_TIME=5000;DB_CLOSE_ON_EXIT=FALSE");
  }

  @Test
  void pathThatCannotBeAFolderIsOneClearLine() throws Exception {
    Path file = Files.write(folder.resolve("file"), List.of("x"));
    assertThatThrownBy(() -> LocalJournal.open(file.resolve("below")))
        .isInstanceOf(JournalException.class)
        .hasMessageContaining(file.toString())
        .hasMessageNotContaining("\n");
  }
}
