// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.agent.dump.Backends;
import io.sluice.agent.dump.FlowRow;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which backends a new flow may get, as pick.h and tc_maglev.h choose them.
 *
 * @param by what is chosen by, in words
 * @param reason why none can be; empty: one can
 * @param choices backends and how probable each is
 */
record Selection(String by, String reason, List<Choice> choices) {
  record Choice(Ip address, int port, double percent) {}

  /** Chooses for one question. */
  static final class Chooser {
    private final Dataplane dataplane;
    private final Backends backends;
    private final Question question;
    private final Family family;
    private final int id;
    private final Service service;
    private final boolean localOnly;
    private final List<String> notes = new ArrayList<>();

    /**
     * @param localOnly only this node's backends will do
     */
    Chooser(Dataplane dataplane, Question question, int id, Service service, boolean localOnly) {
      this.dataplane = dataplane;
      this.backends = new Backends(dataplane);
      this.question = question;
      this.family = Backends.family(service);
      this.id = id;
      this.service = service;
      this.localOnly = localOnly;
    }

    /** What was looked at and did not decide. */
    List<String> notes() {
      return notes;
    }

    /**
     * @param byTable whether a Maglev table chooses for whom affinity does not
     */
    Selection choose(boolean byTable) {
      int seconds = service.affinitySeconds();
      if (service.count() > 0 && seconds != 0) {
        Optional<Selection> last = byAffinity(seconds);
        if (last.isPresent()) {
          return last.get();
        }
      }
      if (service.count() > 0 && byTable) {
        Optional<Selection> slot = byTable();
        if (slot.isPresent()) {
          return slot.get();
        }
        return byChance("random", Optional.empty());
      }
      return seconds == 0
          ? byChance("random", Optional.empty())
          : byChance("a hash of the client (affinity, first choice)", Optional.of(chance()));
    }

    private Optional<Selection> byAffinity(int seconds) {
      Optional<Affinity> entry =
          dataplane.affinity(family).get(new AffinityKey(question.source(), id));
      if (entry.isEmpty()) {
        notes.add("affinity: " + question.source() + " has no backend yet");
        return Optional.empty();
      }
      Affinity last = entry.get();
      String at = FlowRow.endpoint(last.addr(), last.port());
      long age = Integer.toUnsignedLong(dataplane.jiffies() - last.lastUsed());
      if (age >= (long) seconds * dataplane.hz()) {
        notes.add("affinity: " + at + " was its backend, but its time has run out");
      } else if (!backends.isLive(last.id(), last.gen())) {
        notes.add("affinity: " + at + " was its backend, but is no longer one");
      } else if (localOnly && (last.flags() & BackendFlags.BACKEND_LOCAL) == 0) {
        notes.add("affinity: " + at + " is its backend, but not on this node, as it has to be");
      } else {
        return Optional.of(
            new Selection(
                "affinity: the client's last backend",
                "",
                List.of(new Choice(last.addr(), last.port(), 100))));
      }
      return Optional.empty();
    }

    private int chance() {
      return TupleHash.of(
          question.source(), question.destination(), 0, question.port(), question.protocol());
    }

    /** Nothing if the table does not tell for all of it. */
    private Optional<Selection> byTable() {
      Optional<MaglevTable> table = dataplane.maglev().get(id).filter(t -> t.size() > 0);
      if (table.isEmpty()) {
        notes.add("maglev: the service's table is not there yet, so any backend will do");
        return Optional.empty();
      }
      return question.sourcePort() == 0 ? Optional.of(bySlots(table.get())) : bySlot(table.get());
    }

    private Optional<Selection> bySlot(MaglevTable table) {
      int hash =
          TupleHash.of(
              question.source(),
              question.destination(),
              question.sourcePort(),
              question.port(),
              question.protocol());
      int slot = (int) (Integer.toUnsignedLong(hash) * table.size() >>> 32);
      Optional<Backend> backend = usable(table, slot);
      String where = "slot " + slot + " of " + table.size();
      if (backend.isEmpty()) {
        notes.add(
            "maglev: "
                + where
                + " leads to a backend that is "
                + (localOnly ? "dead or not on this node" : "dead")
                + ", so another is taken");
        return Optional.empty();
      }
      return Optional.of(
          new Selection(
              "maglev: " + where + ", generation " + table.generation(),
              "",
              List.of(new Choice(backend.get().addr(), backend.get().port(), 100))));
    }

    /** By the source port, which is not given: all slots. Those that do not do are random. */
    private Selection bySlots(MaglevTable table) {
      Map<Choice, Double> shares = new LinkedHashMap<>();
      double each = 100.0 / table.size();
      int[] slots = new int[table.count()];
      for (int slot = 0; slot < table.size(); slot++) {
        slots[table.position(slot)]++;
      }
      double rest = 0;
      for (int position = 0; position < slots.length; position++) {
        Optional<Backend> backend = element(table.base() + position);
        if (backend.isPresent()) {
          Choice key = new Choice(backend.get().addr(), backend.get().port(), 0);
          shares.merge(key, slots[position] * each, Double::sum);
        } else {
          rest += slots[position] * each;
        }
      }
      if (rest > 0) {
        Selection others = byChance("random", Optional.empty());
        for (Choice choice : others.choices()) {
          Choice key = new Choice(choice.address(), choice.port(), 0);
          shares.merge(key, choice.percent() * rest / 100, Double::sum);
        }
        if (shares.isEmpty()) {
          return others;
        }
      }
      List<Choice> choices = new ArrayList<>();
      shares.forEach((key, share) -> choices.add(new Choice(key.address(), key.port(), share)));
      return new Selection(
          "maglev: the slot is the source port's (--source-port), of "
              + table.size()
              + ", generation "
              + table.generation(),
          "",
          choices);
    }

    private Optional<Backend> usable(MaglevTable table, int slot) {
      return element(table.base() + table.position(slot));
    }

    private Optional<Backend> element(int index) {
      return backends
          .element(family, index)
          .filter(b -> b.service() == id && backends.isLive(b.id(), b.gen()))
          .filter(b -> !localOnly || (b.flags() & BackendFlags.BACKEND_LOCAL) != 0);
    }

    /** What a number of 32 bits leads to in the window; all of it without the number. */
    private Selection byChance(String by, Optional<Integer> chance) {
      int count = localOnly ? service.local() : service.count();
      String window =
          "%s, of %d %s"
              .formatted(
                  by,
                  count,
                  localOnly
                      ? "elements of this node's window"
                      : "elements of the cluster's window");
      if (service.count() == 0) {
        return new Selection(window, "refused", List.of());
      }
      if (count == 0) {
        return new Selection(window, "no_local_backend", List.of());
      }
      List<Backend> live =
          backends.window(family, id, service, localOnly).stream()
              .filter(b -> backends.isLive(b.id(), b.gen()))
              .toList();
      if (live.isEmpty()) {
        return new Selection(window, "backend_gone", List.of());
      }
      if (chance.isPresent()) {
        int first = service.base() + (localOnly ? service.count() : 0);
        int index = first + (int) (Integer.toUnsignedLong(chance.get()) * count >>> 32);
        Optional<Backend> chosen = element(index);
        if (chosen.isPresent()) {
          Backend b = chosen.get();
          return new Selection(window, "", List.of(new Choice(b.addr(), b.port(), 100)));
        }
        notes.add("the backend that the hash leads to is dead, so any other will do");
      }
      Map<Choice, Double> shares = new LinkedHashMap<>();
      for (Backend b : live) {
        shares.merge(new Choice(b.addr(), b.port(), 0), 100.0 / live.size(), Double::sum);
      }
      List<Choice> choices = new ArrayList<>();
      shares.forEach((key, share) -> choices.add(new Choice(key.address(), key.port(), share)));
      return new Selection(window, "", choices);
    }
  }
}
