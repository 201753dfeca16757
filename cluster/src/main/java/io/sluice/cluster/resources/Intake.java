// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.typed.ActorRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Requests on their way in: those of which parts are missing, and those that wait to be judged. */
final class Intake {
  private static final long PATIENCE = Duration.ofSeconds(30).toNanos();

  private final Map<String, Assembly> assemblies = new HashMap<>();
  private final LinkedHashMap<String, Waiting> waiting = new LinkedHashMap<>();

  /** A whole request. */
  record Waiting(String request, byte[] bytes, ActorRef<StoreFollower.Command> from) {}

  private record Assembly(byte[][] parts, long since) {
    boolean isWhole() {
      for (byte[] part : parts) {
        if (part == null) {
          return false;
        }
      }
      return true;
    }
  }

  /** Takes a part; one that comes again changes nothing. What cannot be a part is dropped. */
  void take(ResourceStore.Part part) {
    if (part.parts() < 1
        || part.parts() > StoreFollower.MOST_PARTS
        || part.part() < 0
        || part.part() >= part.parts()
        || waiting.containsKey(part.request())) {
      return;
    }
    Assembly assembly =
        assemblies.computeIfAbsent(
            part.request(), id -> new Assembly(new byte[part.parts()][], System.nanoTime()));
    if (assembly.parts().length != part.parts()) {
      return;
    }
    assembly.parts()[part.part()] = part.bytes();
    if (assembly.isWhole()) {
      assemblies.remove(part.request());
      byte[] whole = StoreLog.join(List.of(assembly.parts()));
      waiting.put(part.request(), new Waiting(part.request(), whole, part.from()));
    }
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** All that wait, in the order in which they became whole. */
  List<Waiting> drain() {
    List<Waiting> all = new ArrayList<>(waiting.values());
    waiting.clear();
    return all;
  }

  void forgetOld(long now) {
    assemblies.values().removeIf(assembly -> now - assembly.since() > PATIENCE);
  }

  void clear() {
    assemblies.clear();
    waiting.clear();
  }
}
