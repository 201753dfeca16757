// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.persistence.state.javadsl.DurableStateUpdateStore;
import akka.persistence.state.javadsl.GetObjectResult;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * A program: starts so many nodes, and writes states through the first of them, each value one more
 * than the last. Prints what it recovered and what is acknowledged, until it is killed.
 */
final class StateWriter {
  static final int STATES = 4;

  private StateWriter() {}

  public static void main(String[] args) {
    int count = Integer.parseInt(args[1]);
    StateNodes nodes = new StateNodes(Path.of(args[0]), count / 2 + 1);
    nodes.start(IntStream.range(0, count).toArray());
    DurableStateUpdateStore<Object> store = nodes.store(0);
    for (int state = 0; state < STATES; state++) {
      String id = "state" + state;
      recover(store, id);
    }
    System.out.println("started");
  }

  private static void recover(DurableStateUpdateStore<Object> store, String id) {
    GetObjectResult<Object> found = store.getObject(id).toCompletableFuture().join();
    long number = found.value().map(StateWriter::number).orElse(0L);
    if (number != found.revision()) {
      throw new IllegalStateException(id + ": " + number + " under revision " + found.revision());
    }
    System.out.println("recovered " + id + " " + number);
    next(store, id, number + 1);
  }

  private static void next(DurableStateUpdateStore<Object> store, String id, long number) {
    String text = number + " " + "x".repeat((int) (number % 1_777));
    store
        .upsertObject(id, number, new StoredTable.Text(text), "")
        .whenComplete(
            (done, e) -> {
              if (e != null) {
                System.out.println("failed " + id + " " + e.getMessage());
                return;
              }
              System.out.println("acknowledged " + id + " " + number);
              next(store, id, number + 1);
            });
  }

  private static long number(Object value) {
    String text = ((StoredTable.Text) value).text();
    return Long.parseLong(text.substring(0, text.indexOf(' ')));
  }
}
