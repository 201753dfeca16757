// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.PktFlags;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/**
 * Makes code of rules that are asked in their order. Consecutive rules that begin with the same
 * condition have it written once; consecutive rules that begin with one on the same field have a
 * binary search over that field in its place, which leads to those of them that may match, in
 * order.
 */
final class Rules {
  /** Values of a field from which on a search is worth it. */
  private static final int FEWEST_VALUES = 4;

  /** Rules that one search is over, at most. */
  private static final int MOST_RULES = 1024;

  /** Slots of a search with all that it leads to, at most: it is one block. */
  private static final int MOST_SLOTS = 12_000;

  private final Exits exits;
  private final Family family;

  /** What is left to ask of a rule, and what it then does. */
  private record Asked(List<Criterion> criteria, Action action, long id) {
    Criterion first() {
      return criteria.get(0);
    }

    Asked rest() {
      return new Asked(criteria.subList(1, criteria.size()), action, id);
    }

    boolean decides() {
      return criteria.isEmpty() && action != Action.LOG;
    }
  }

  private Rules(Family family, Exits exits) {
    this.family = family;
    this.exits = exits;
  }

  /**
   * Adds code for rules; packets that none decides on reach what is added next.
   *
   * @param exits where what they decide on goes on
   */
  static void add(List<Rule> rules, Exits exits, Code code) {
    List<Asked> asked = new ArrayList<>();
    for (Rule rule : rules) {
      Criteria.of(rule.match(), code.family())
          .ifPresent(criteria -> asked.add(new Asked(criteria, rule.action(), rule.id())));
    }
    new Rules(code.family(), exits).add(asked, code);
  }

  private void add(List<Asked> rules, Code code) {
    int from = 0;
    int noSearchBefore = 0;
    while (from < rules.size() && code.isReached()) {
      Asked rule = rules.get(from);
      if (rule.criteria().isEmpty()) {
        act(rule.action(), rule.id(), exits, code);
        from++;
        continue;
      }
      int found = from < noSearchBefore ? 0 : search(rules, from, code);
      if (found == 0 && from >= noSearchBefore) {
        noSearchBefore = from + FEWEST_VALUES;
      }
      int to = from + found;
      if (found == 0) {
        to = from + run(rules, from, other -> other.first().equals(rule.first()) ? 1 : 0);
        Mark no = new Mark();
        code.add(piece -> rule.first().write(piece, no));
        add(rules.subList(from, to).stream().map(Asked::rest).toList(), code);
        code.place(no);
      }
      from = to;
    }
  }

  /** How many rules from one on have criteria, and something that is not 0. */
  private static int run(List<Asked> rules, int from, ToIntFunction<Asked> wanted) {
    int to = from;
    while (to < rules.size()
        && !rules.get(to).criteria().isEmpty()
        && wanted.applyAsInt(rules.get(to)) != 0) {
      to++;
    }
    return to - from;
  }

  /** The field that a condition is about; null: none. */
  private static Field field(Criterion criterion) {
    if (criterion instanceof Criterion.In in) {
      return in.field();
    }
    return criterion instanceof Criterion.Prefix prefix && prefix.wanted() ? prefix.field() : null;
  }

  private static List<Range> ranges(Criterion criterion) {
    return criterion instanceof Criterion.In in
        ? in.ranges()
        : List.of(Range.of(((Criterion.Prefix) criterion).net()));
  }

  /** Adds a search for rules from one on. Returns for how many; 0: it is not worth it. */
  private int search(List<Asked> rules, int from, Code code) {
    Field field = field(rules.get(from).first());
    if (field == null) {
      return 0;
    }
    int count = run(rules, from, rule -> field(rule.first()) == field ? 1 : 0);
    for (count = Math.min(count, MOST_RULES); count >= FEWEST_VALUES; count /= 2) {
      List<Asked> those = rules.subList(from, from + count);
      if (new HashSet<>(those.stream().map(Asked::first).toList()).size() < FEWEST_VALUES) {
        return 0;
      }
      if (search(field, those, code)) {
        return count;
      }
    }
    return 0;
  }

  private boolean search(Field field, List<Asked> rules, Code code) {
    List<Asked> rest = rules.stream().map(Asked::rest).toList();
    TreeSet<Integer> deciding = new TreeSet<>();
    for (int i = 0; i < rest.size(); i++) {
      if (rest.get(i).decides()) {
        deciding.add(i);
      }
    }
    Optional<Segments> segments =
        Segments.cut(
            rules.stream().map(rule -> ranges(rule.first())).toList(),
            field.most(family),
            deciding,
            2 * rules.size());
    if (segments.isEmpty() || segments.get().size() == 1) {
      return false;
    }
    Mark after = new Mark();
    Leaves leaves = new Leaves(after);
    List<Mark> targets =
        segments.get().items().stream()
            .map(items -> leaves.of(items.stream().map(rest::get).toList()))
            .toList();
    if (leaves.slots > MOST_SLOTS) {
      return false;
    }
    int nodeJumps = field.isPort() || family == Family.IPV4 ? 1 : Piece.NODE_JUMPS;
    code.add(
        piece -> {
          SearchTree.write(piece, field, segments.get().from(), targets);
          leaves.write(piece);
        },
        SearchTree.depth(targets.size(), nodeJumps) + leaves.forks);
    code.place(after);
    return true;
  }

  /** Where a search leads to. */
  private final class Leaves {
    private final Mark after;
    private final Map<List<Asked>, Mark> marks = new HashMap<>();
    private final List<Mark> written = new ArrayList<>();
    private final List<Code> codes = new ArrayList<>();
    private int slots;
    private int forks;

    Leaves(Mark after) {
      this.after = after;
    }

    /** The place where some rules are asked. */
    Mark of(List<Asked> rules) {
      if (rules.isEmpty()) {
        return after;
      }
      Asked first = rules.get(0);
      if (first.decides() && first.id() == 0) {
        return exits.of(first.action());
      }
      return marks.computeIfAbsent(rules, this::add);
    }

    private Mark add(List<Asked> rules) {
      Mark mark = new Mark();
      Code code = new Code(family);
      Rules.this.add(rules, code);
      code.add(piece -> piece.jump(after));
      written.add(mark);
      codes.add(code);
      slots += code.slots();
      forks = Math.max(forks, code.forks());
      return mark;
    }

    void write(Piece piece) {
      for (int i = 0; i < written.size(); i++) {
        piece.place(written.get(i));
        codes.get(i).write(piece);
      }
    }
  }

  /** Adds what a rule does, or an end. */
  static void act(Action action, long id, Exits exits, Code code) {
    code.add(
        piece -> {
          if (id != 0 && exits.isEnd(action)) {
            piece.loadRule(id);
            piece.jump(action == Action.ALLOW ? Mark.HIT_ALLOW : Mark.HIT_DENY);
            return;
          }
          if (id != 0) {
            piece.hit(id);
          }
          if (action == Action.LOG) {
            piece.flag(PktFlags.PKT_LOG);
          } else {
            piece.jump(exits.of(action));
          }
        });
  }
}
