// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.persistence.Register.Payload;
import io.sluice.persistence.StateFile.Row;
import io.sluice.persistence.StateFile.Standing;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StateFileTest {
  private static final String FILE = "shared-state.mv.db";
  private static final String MARK = "shared-state.mark";

  @TempDir Path folder;

  private static Optional<Path> prepare(Path folder) {
    return StateFile.prepare(folder, Clock.systemUTC());
  }

  private static Register register(long revision, Random random) {
    byte[] bytes = new byte[random.nextInt(3_000)];
    random.nextBytes(bytes);
    Register register = Register.EMPTY.promisedTo(new Ballot(1, 1)).confirmed();
    for (long i = 0; i < revision; i++) {
      register = register.next(Optional.of(new Payload(7, "m", bytes)));
    }
    return register;
  }

  /** Several commits, as a node makes them. */
  private static Map<String, String> fill(Path folder, Random random) throws Exception {
    prepare(folder);
    Map<String, Register> all = new HashMap<>();
    try (StateFile file = StateFile.open(folder)) {
      file.becomeWhole(Set.of("a", "b"));
      for (int commit = 1; commit <= 30; commit++) {
        Map<String, Register> some = new HashMap<>();
        for (int i = 0; i < 8; i++) {
          some.put("state/" + random.nextInt(60), register(commit, random));
        }
        file.save(some);
        all.putAll(some);
      }
    }
    return contents(all.entrySet().stream().map(e -> new Row(e.getKey(), e.getValue())));
  }

  private static Map<String, String> contents(Stream<Row> rows) {
    return rows.collect(
        Collectors.toMap(
            Row::key, row -> new String(row.register().toBytes(), StandardCharsets.ISO_8859_1)));
  }

  private static Map<String, String> read(Path folder) throws Exception {
    try (StateFile file = StateFile.open(folder)) {
      return contents(file.load().stream());
    }
  }

  private static Standing standing(Path folder) throws Exception {
    try (StateFile file = StateFile.open(folder)) {
      return file.identity().standing();
    }
  }

  @Test
  void keepsWhatWasSaved() throws Exception {
    Map<String, String> before = fill(folder, new Random(1));
    assertThat(prepare(folder)).isEmpty();
    assertThat(read(folder)).isEqualTo(before);
    assertThat(standing(folder)).isEqualTo(Standing.WHOLE);
  }

  /** With H2's pages reused at once, every few closings take back what was committed. */
  @Test
  @Tag("INV-AG-2")
  void closingAndOpeningTakesNothingBack() throws Exception {
    Random random = new Random(8);
    for (int file = 0; file < 5; file++) {
      Path node = folder.resolve("node" + file);
      Map<String, String> before = fill(node, random);
      for (int life = 0; life < 12; life++) {
        assertThat(prepare(node)).as("set aside in life %d", life).isEmpty();
        assertThat(read(node)).isEqualTo(before);
        try (StateFile open = StateFile.open(node)) {
          for (int commit = random.nextInt(14); commit >= 0; commit--) {
            Row row = new Row("state/1", register(life + 1, random));
            open.save(Map.of(row.key(), row.register()));
            before.putAll(contents(Stream.of(row)));
          }
        }
      }
    }
  }

  @Test
  void pagesGiveAllRowsOnce() throws Exception {
    Map<String, String> before = fill(folder, new Random(2));
    List<Row> rows = new ArrayList<>();
    try (StateFile file = StateFile.open(folder)) {
      String after = "";
      for (List<Row> page = file.page(after, 10_000);
          !page.isEmpty();
          page = file.page(after, 10_000)) {
        rows.addAll(page);
        after = page.get(page.size() - 1).key();
      }
    }
    assertThat(rows).hasSameSizeAs(before.keySet());
    assertThat(contents(rows.stream())).isEqualTo(before);
  }

  /** Wherever the damage is: all that was saved, or nothing and a file set aside. */
  @Test
  @Tag("INV-AG-2")
  void damagedFileIsUsedWholeOrNotAtAll() throws Exception {
    Path whole = folder.resolve("whole");
    Map<String, String> before = fill(whole, new Random(3));
    byte[] good = Files.readAllBytes(whole.resolve(FILE));
    Random random = new Random(4);
    int found = 0;
    for (int round = 0; round < 120; round++) {
      Path node = Files.createDirectories(folder.resolve("damaged" + round));
      Files.copy(whole.resolve(MARK), node.resolve(MARK));
      Path file = Files.write(node.resolve(FILE), good);
      damage(file, random);

      Optional<Path> aside = prepare(node);

      if (aside.isPresent()) {
        found++;
        assertThat(aside.get()).exists();
        assertThat(aside.get().getFileName().toString())
            .matches("shared-state\\.damaged-\\d{8}T\\d{6}\\.\\d{3}Z\\.mv\\.db");
        assertThat(read(node)).isEmpty();
        assertThat(standing(node)).isEqualTo(Standing.LOST);
      } else {
        assertThat(read(node)).as("round %d", round).isEqualTo(before);
      }
    }
    assertThat(found).as("rounds in which the damage mattered").isGreaterThan(30);
  }

  private static void damage(Path file, Random random) throws Exception {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long at = (long) (random.nextDouble() * channel.size());
      switch (random.nextInt(3)) {
        case 0 -> channel.truncate(at);
        case 1 -> channel.write(ByteBuffer.allocate(1 + random.nextInt(8192)), at);
        default -> {
          byte[] noise = new byte[1 + random.nextInt(64)];
          random.nextBytes(noise);
          channel.write(ByteBuffer.wrap(noise), at);
        }
      }
    }
  }

  /** H2 would open it, as it was a few commits ago. */
  @Test
  @Tag("INV-AG-2")
  void olderStateOfTheFileIsDamage() throws Exception {
    Random random = new Random(5);
    fill(folder, random);
    byte[] older = Files.readAllBytes(folder.resolve(FILE));
    try (StateFile file = StateFile.open(folder)) {
      file.save(Map.of("state/1", register(99, random)));
    }
    Files.write(folder.resolve(FILE), older);
    assertThat(prepare(folder)).isPresent();
    assertThat(standing(folder)).isEqualTo(Standing.LOST);
  }

  @ParameterizedTest
  @ValueSource(strings = {"state", "meta", "row", "mark", "gone"})
  void whatIsMissingOrWrongIsFound(String what) throws Exception {
    fill(folder, new Random(6));
    switch (what) {
      case "mark" -> Files.delete(folder.resolve(MARK));
      case "gone" -> Files.delete(folder.resolve(FILE));
      default -> {
        try (Connection connection =
                DriverManager.getConnection(
                    "jdbc:h2:file:" + folder.resolve("shared-state"), "sa", "");
            Statement statement = connection.createStatement()) {
          statement.execute(
              what.equals("row")
                  ? "UPDATE \"state\" SET \"data\" = X'01' WHERE \"key\" = 'state/1'"
                  : "DROP TABLE \"" + what + "\"");
        }
      }
    }
    assertThat(prepare(folder).isPresent()).isEqualTo(!what.equals("gone"));
    assertThat(read(folder)).isEmpty();
    assertThat(standing(folder)).isEqualTo(Standing.LOST);
    assertThat(prepare(folder)).as("the new one").isEmpty();
  }

  @Test
  void firstStartIsNoLoss() throws Exception {
    assertThat(prepare(folder)).isEmpty();
    assertThat(standing(folder)).isEqualTo(Standing.NEW);
    Files.delete(folder.resolve(MARK));
    assertThat(prepare(folder)).as("interrupted before the mark").isEmpty();
    assertThat(standing(folder)).isEqualTo(Standing.NEW);
  }

  @Test
  void fileOfANewerVersionIsRefusedAndLeftAlone() throws Exception {
    fill(folder, new Random(7));
    try (Connection connection =
            DriverManager.getConnection(
                "jdbc:h2:file:" + folder.resolve("shared-state"), "sa", "");
        Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO \"sluice_schema\" VALUES (9)");
    }
    assertThatThrownBy(() -> prepare(folder))
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("newer version of Sluice (schema 9, this one knows 1)");
    assertThat(folder.resolve(FILE)).exists();
  }
}
