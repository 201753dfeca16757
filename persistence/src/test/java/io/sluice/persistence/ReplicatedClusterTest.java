// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import akka.persistence.state.javadsl.GetObjectResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes of which two decide, and what can happen to them. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class ReplicatedClusterTest {
  private static final String ID = "entity";

  @TempDir Path folder;
  private StateNodes nodes;

  @BeforeEach
  void start() {
    nodes = new StateNodes(folder, 2).start(0, 1, 2);
    nodes.awaitCounting(0, 1, 2);
  }

  @AfterEach
  void stop() {
    nodes.close();
  }

  private static StoredTable.Text text(String text) {
    return new StoredTable.Text(text);
  }

  private void write(int node, long revision, String value) {
    StateStoreContract.get(nodes.store(node).upsertObject(ID, revision, text(value), ""));
  }

  private void assertFound(int node, long revision, String value) {
    GetObjectResult<Object> found = StateStoreContract.get(nodes.store(node).getObject(ID));
    assertThat(found.value()).contains(text(value));
    assertThat(found.revision()).isEqualTo(revision);
  }

  private static void assertFails(
      CompletionStage<?> stage, Class<? extends Throwable> type, String message) {
    assertThatThrownBy(() -> StateStoreContract.get(stage))
        .cause()
        .isInstanceOf(type)
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  @Tag("INV-CL-1")
  @Tag("INV-AG-2")
  void oneOfThreeDecidesNothingAndForgetsNothing() {
    write(0, 1, "a");
    nodes.crash(1);
    nodes.crash(2);
    assertFails(
        nodes.store(0).upsertObject(ID, 2, text("b"), ""),
        NoMajorityException.class,
        "write of revision 2 of entity: fewer than 2 of 3 members had it on disk");
    nodes.close();
    nodes.start(0);
    assertFails(
        nodes.store(0).getObject(ID),
        NoMajorityException.class,
        "read of entity: 1 members, and 2 decide");
    assertFails(
        nodes.store(0).upsertObject(ID, 2, text("b"), ""),
        NoMajorityException.class,
        "1 members, and 2 decide");
    nodes.start(1, 2);
    GetObjectResult<Object> found = StateStoreContract.get(nodes.store(2).getObject(ID));
    assertThat(found.value()).isIn(Optional.of(text("a")), Optional.of(text("b")));
    assertThat(found.revision()).isBetween(1L, 2L);
  }

  /** What two acknowledged is found by the third with either of them, whoever starts first. */
  @Test
  @Tag("INV-AG-2")
  void anyTwoOfThreeKnowAll() {
    nodes.remove(2);
    for (int revision = 1; revision <= 10; revision++) {
      write(0, revision, "v" + revision);
    }
    nodes.close();
    nodes.start(2, 1);
    assertFound(2, 10, "v10");
    write(2, 11, "v11");
    nodes.close();
    nodes.start(0, 2);
    assertFound(0, 11, "v11");
    nodes.close();
    nodes.start(0, 1);
    assertFound(1, 11, "v11");
  }

  @Test
  void formerHomeIsFenced() {
    for (int round = 0; round < 20; round++) {
      String id = ID + round;
      StateStoreContract.get(nodes.store(0).upsertObject(id, 1, text("a"), ""));
      StateStoreContract.get(nodes.store(1).getObject(id));
      assertFails(
          nodes.store(0).upsertObject(id, 2, text("late"), ""),
          FencedException.class,
          "another node has recovered it meanwhile");
      StateStoreContract.get(nodes.store(1).upsertObject(id, 2, text("b"), ""));
      assertThat(StateStoreContract.get(nodes.store(2).getObject(id)).value()).contains(text("b"));
    }
  }

  /** A write that failed, on a node that comes back later, does not undo what others decided. */
  @Test
  @Tag("INV-AG-2")
  void failedWriteOfAFormerHomeNeverWins() {
    write(0, 1, "a");
    nodes.crash(1);
    nodes.crash(2);
    assertFails(
        nodes.store(0).upsertObject(ID, 2, text("failed"), ""), NoMajorityException.class, "");
    nodes.close();
    nodes.start(1, 2);
    assertFound(1, 1, "a");
    write(1, 2, "acknowledged");
    nodes.start(0);
    for (int node = 0; node < 3; node++) {
      assertFound(node, 2, "acknowledged");
    }
  }

  /** What a recovery has shown stays, also when it was on one node only. */
  @Test
  @Tag("INV-AG-2")
  void whatRecoveryHasShownStays() {
    write(0, 1, "a");
    nodes.crash(1);
    nodes.crash(2);
    assertFails(
        nodes.store(0).upsertObject(ID, 2, text("failed"), ""), NoMajorityException.class, "");
    nodes.close();
    nodes.start(0, 1);
    assertFound(1, 2, "failed");
    nodes.close();
    nodes.start(1, 2);
    assertFound(2, 2, "failed");
  }

  /** What a recovery has not seen does not come to light later, on a node that comes back. */
  @Test
  @Tag("INV-AG-2")
  void whatRecoveryHasNotShownStaysAway() {
    write(0, 1, "a");
    nodes.crash(1);
    nodes.crash(2);
    assertFails(
        nodes.store(0).upsertObject(ID, 2, text("failed"), ""), NoMajorityException.class, "");
    nodes.close();
    nodes.start(1, 2);
    assertFound(1, 1, "a");
    nodes.start(0);
    for (int node = 0; node < 3; node++) {
      assertFound(node, 1, "a");
    }
  }

  /** Only 0 and 1 have it, and 1 loses it: 1 and 2 must not take it for never written. */
  @Test
  @Tag("INV-AG-2")
  void copyThatWasLostDoesNotVote() throws Exception {
    loseTheCopyOfOne();
    nodes.start(1, 2);
    await().atMost(StateNodes.SOON).until(() -> trouble(1).contains("it has read 1 ("));
    assertThat(trouble(1))
        .contains("this node's copy of the shared state is lost and counts for no majority")
        .contains("until it has read 2 others");
    assertFails(nodes.store(2).getObject(ID), NoMajorityException.class, "");
    assertFails(
        nodes.store(1).getObject(ID), NoMajorityException.class, "copy of the shared state");
    nodes.start(0);
    nodes.awaitCounting(1);
    assertFound(1, 1, "only on 0 and 1");
    assertThat(nodes.status(1).trouble()).isEmpty();
  }

  @Test
  void operatorCanAcceptTheLoss() throws Exception {
    loseTheCopyOfOne();
    Files.createFile(nodes.folder(1).resolve("shared-state.accept-loss"));
    nodes.start(1, 2);
    nodes.awaitCounting(1);
    assertThat(StateStoreContract.get(nodes.store(2).getObject(ID)).revision()).isZero();
    assertThat(nodes.folder(1).resolve("shared-state.accept-loss")).doesNotExist();
  }

  private String trouble(int node) {
    return nodes.status(node).trouble().orElse("");
  }

  private void loseTheCopyOfOne() throws Exception {
    nodes.remove(2);
    write(0, 1, "only on 0 and 1");
    nodes.close();
    Files.write(nodes.folder(1).resolve("shared-state.mv.db"), new byte[10_000]);
  }

  @Test
  void damagedCopyIsSetAsideAndFilledFromTheOthers() throws Exception {
    int objects = 120;
    for (int i = 0; i < objects; i++) {
      StateStoreContract.get(
          nodes.store(0).upsertObject("e" + i, 1, text("x".repeat(i * 300)), ""));
    }
    nodes.remove(2);
    Files.write(nodes.folder(2).resolve("shared-state.mv.db"), new byte[10_000]);
    nodes.start(2);
    nodes.awaitCounting(2);
    assertThat(nodes.status(2).objects()).isEqualTo(objects);
    try (Stream<Path> files = Files.list(nodes.folder(2))) {
      assertThat(files.filter(file -> file.toString().contains("damaged"))).hasSize(1);
    }
    nodes.close();
    nodes.start(2, 1);
    for (int i = 0; i < objects; i += 17) {
      assertThat(StateStoreContract.get(nodes.store(2).getObject("e" + i)).value())
          .contains(text("x".repeat(i * 300)));
    }
  }

  /** The folder of node 0 is a small file system of its own. */
  @Test
  @Tag("INV-AG-2")
  void fullDiskAcknowledgesNothingUntilThereIsSpace() throws Exception {
    nodes.close();
    Path full = nodes.folder(0);
    try (SmallDisk disk = SmallDisk.mount(full, "2m")) {
      nodes.start(0, 1, 2);
      nodes.awaitCounting(0);
      long written = 0;
      String value = "x".repeat(40_000);
      Throwable refusal = null;
      for (long revision = 1; refusal == null && revision < 500; revision++) {
        try {
          StateStoreContract.get(
              nodes.store(0).upsertObject(ID + revision, 1, text(value + revision), ""));
          written = revision;
        } catch (CompletionException e) {
          refusal = e.getCause();
        }
      }
      assertThat(refusal).isInstanceOf(NoMajorityException.class);
      assertThat(refusal).hasMessageContaining("cannot be written");
      assertThat(written).isGreaterThan(3);
      assertThat(trouble(0)).contains("acknowledges nothing until it can");
      // The two others decide on.
      write(1, 1, "by the others");

      disk.grow("64m");

      await().atMost(StateNodes.SOON).until(() -> nodes.status(0).trouble().isEmpty());
      assertFound(0, 1, "by the others");
      write(0, 2, "by all");
      nodes.close();
      nodes.start(0, 1);
      assertFound(0, 2, "by all");
      for (long revision = 1; revision <= written; revision++) {
        assertThat(StateStoreContract.get(nodes.store(0).getObject(ID + revision)).value())
            .contains(text(value + revision));
      }
      nodes.close();
    }
  }
}
