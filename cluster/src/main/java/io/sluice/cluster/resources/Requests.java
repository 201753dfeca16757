// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.typed.ActorRef;
import io.sluice.cluster.resources.StoreFollower.Answer;
import io.sluice.cluster.resources.StoreFollower.Received;
import io.sluice.cluster.resources.StoreFollower.Result;
import io.sluice.cluster.resources.StoreFollower.Submit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The requests of a node that the store has not answered yet. They are sent to one incarnation of
 * the store after the other; it knows those that were done. What was never sent has not been done;
 * of what was sent and not answered, nobody knows.
 */
final class Requests {
  private static final long SEND_AGAIN = Duration.ofSeconds(1).toNanos();

  /** How long an answer waits for this node to have what was stored: one who reads here sees it. */
  private static final long READ_OWN = Duration.ofSeconds(5).toNanos();

  private final ActorRef<StoreFollower.Command> self;
  private final long patience;
  private final Map<String, Pending> pending = new LinkedHashMap<>();
  private final List<Done> done = new ArrayList<>();
  private String trouble = "the store does not answer";

  private static final class Pending {
    final Submit submit;
    final long since = System.nanoTime();
    final BitSet received = new BitSet();
    final Set<String> homes = new HashSet<>();
    String last = "";
    int attempts;
    long sent;

    Pending(Submit submit) {
      this.submit = submit;
    }

    int parts() {
      return Math.max(1, (submit.bytes().length + Transfers.CHUNK - 1) / Transfers.CHUNK);
    }
  }

  private record Done(Submit submit, Answer answer, long since) {}

  Requests(ActorRef<StoreFollower.Command> self, Duration patience) {
    this.self = self;
    this.patience = patience.toNanos();
  }

  boolean isEmpty() {
    return pending.isEmpty() && done.isEmpty();
  }

  void add(Submit submit) {
    pending.put(submit.request(), new Pending(submit));
  }

  /** Sends what this incarnation does not have. */
  void send(String home, ActorRef<ResourceStore.Command> to) {
    pending.values().stream()
        .filter(request -> !request.last.equals(home))
        .forEach(request -> send(request, home, to));
  }

  /** Sends once more what has not arrived. */
  void sendAgain(String home, ActorRef<ResourceStore.Command> to) {
    long now = System.nanoTime();
    pending.values().stream()
        .filter(
            request ->
                !request.last.equals(home)
                    || request.received.cardinality() < request.parts()
                        && now - request.sent > SEND_AGAIN)
        .forEach(request -> send(request, home, to));
  }

  private void send(Pending request, String home, ActorRef<ResourceStore.Command> to) {
    if (!request.last.equals(home)) {
      request.received.clear();
      request.last = home;
      request.attempts = 0;
    }
    request.homes.add(home);
    request.attempts++;
    request.sent = System.nanoTime();
    byte[] bytes = request.submit.bytes();
    int parts = request.parts();
    for (int i = 0; i < parts; i++) {
      if (!request.received.get(i)) {
        int from = i * Transfers.CHUNK;
        byte[] part =
            Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + Transfers.CHUNK));
        to.tell(new ResourceStore.Part(request.submit.request(), home, i, parts, part, self));
      }
    }
  }

  void received(Received received) {
    Pending request = pending.get(received.request());
    if (request != null) {
      request.received.set(received.part());
    }
  }

  /** That incarnation has done nothing of what was sent to it. */
  void notTaken(String home, String reason) {
    trouble = reason;
    for (Pending request : pending.values()) {
      // Of what it was sent twice it may have done the first, and only the receipt was lost.
      if (request.last.equals(home)
          && request.attempts == 1
          && request.received.cardinality() < request.parts()) {
        request.homes.remove(home);
        request.last = "";
      }
    }
  }

  void answered(Answer answer, long applied) {
    Pending request = pending.get(answer.request());
    if (request == null) {
      return;
    }
    boolean unsure = request.homes.size() > 1 || request.attempts > 1;
    if (answer.result() == Result.UNAVAILABLE && unsure) {
      trouble = answer.reasons().get(0);
      return; // one before may have done it: wait for one who knows
    }
    pending.remove(answer.request());
    if (answer.result() == Result.DONE && answer.version() > applied) {
      done.add(new Done(request.submit, answer, System.nanoTime()));
    } else {
      request.submit.answer().complete(answer);
    }
  }

  /** This node has everything up to that version. */
  void applied(long version) {
    long now = System.nanoTime();
    for (Iterator<Done> each = done.iterator(); each.hasNext(); ) {
      Done one = each.next();
      if (one.answer().version() <= version || now - one.since() > READ_OWN) {
        one.submit().answer().complete(one.answer());
        each.remove();
      }
    }
  }

  /** Gives up what has waited for too long. */
  void expire() {
    applied(-1);
    long now = System.nanoTime();
    for (Iterator<Pending> each = pending.values().iterator(); each.hasNext(); ) {
      Pending request = each.next();
      if (now - request.since > patience) {
        each.remove();
        giveUp(request, trouble);
      }
    }
  }

  /** Whether it was done is known only of what nobody was sent. */
  private static void giveUp(Pending request, String why) {
    String id = request.submit.request();
    request
        .submit
        .answer()
        .complete(
            request.homes.isEmpty()
                ? Answer.unavailable(id, "not decided, nothing is stored: " + why)
                : Answer.unknown(id, "outcome unknown, get the resource to see: " + why));
  }

  /** The actor system ends. */
  void close() {
    for (Pending request : pending.values()) {
      giveUp(request, "this node was cut off from the others");
    }
    pending.clear();
    done.forEach(one -> one.submit().answer().complete(one.answer()));
    done.clear();
  }
}
