// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What others in this JVM may know of this node's copy of the shared state. */
final class Replica {
  private final Map<String, Register> onDisk = new ConcurrentHashMap<>();
  private volatile Optional<String> trouble = Optional.of("it is being loaded");
  private volatile boolean counting;

  /** Whether this copy is asked and written to. */
  boolean counting() {
    return counting;
  }

  /** One line about why this copy does not do what it should. */
  Optional<String> trouble() {
    return trouble;
  }

  /** What this node's disk has for sure. */
  Optional<Register> onDisk(String key) {
    return Optional.ofNullable(onDisk.get(key));
  }

  int size() {
    return onDisk.size();
  }

  void count() {
    trouble = Optional.empty();
    counting = true;
  }

  void trouble(Optional<String> line) {
    trouble = line;
  }

  void saved(String key, Register register) {
    onDisk.put(key, register);
  }
}
