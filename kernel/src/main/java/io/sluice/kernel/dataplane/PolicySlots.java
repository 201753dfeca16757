// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.ProgramInfo;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.layout.PolicySlotsLimits;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.sys.Errno;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * The per-endpoint array of a hook. Its lower part has the slots that interfaces name; its upper
 * part takes the pieces after the first of programs that are too large for one, each wherever there
 * is room. A piece's name in the kernel says which slot, and which program there, it belongs to: so
 * the next process finds out what is free. Thread-safe: calls take turns.
 */
final class PolicySlots {
  /** For how long packets may still be in a program that has been replaced. */
  private static final long GRACE_NANOS = 1_000_000_000L;

  private final ProgramArray array;
  private final LongSupplier clock;

  /** How many programs are remembered to be put into further slots. */
  private static final int MAX_SHARED = 32;

  /** Of the upper part: slots that hold a program. */
  private final BitSet taken = new BitSet();

  /** By slot of the lower part: slots of its program's further pieces. */
  private final Map<Integer, List<Integer>> pieces = new HashMap<>();

  /** What nothing leads to any more, oldest first. */
  private final Deque<Retired> retired = new ArrayDeque<>();

  private record Retired(long at, List<Integer> slots) {}

  /** Programs of one piece that were loaded last, by name. */
  private final Map<String, Shared> shared =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Shared> eldest) {
          return size() > MAX_SHARED;
        }
      };

  /** A program in a slot, whose endpoint is not the only one of its kind. */
  private record Shared(byte[] code, int id) {}

  /** Loads instructions under a name. */
  @FunctionalInterface
  interface Loader {
    Fd load(String name, byte[] instructions);
  }

  /**
   * @param array stays the caller's
   * @param clock such as {@link System#nanoTime}
   */
  PolicySlots(ProgramArray array, LongSupplier clock) {
    this.array = array;
    this.clock = clock;
    adopt();
  }

  private void adopt() {
    Map<String, List<Integer>> owners = new HashMap<>();
    List<Integer> strays = new ArrayList<>();
    Map<String, Integer> heads = new HashMap<>();
    allNames(array)
        .forEach(
            (slot, name) -> {
              if (isHead(slot)) {
                heads.put(pieceName(slot, name), slot);
              } else {
                taken.set(slot);
                owners.computeIfAbsent(name, n -> new ArrayList<>()).add(slot);
              }
            });
    owners.forEach(
        (name, slots) -> {
          Integer head = heads.get(name);
          if (head == null) {
            strays.addAll(slots);
          } else {
            pieces.put(head, slots);
          }
        });
    retire(strays);
  }

  private static boolean isHead(int slot) {
    return slot < PolicySlotsLimits.POLICY_SLOTS;
  }

  private static String pieceName(int slot, String program) {
    return "q%04x_%08x".formatted(slot, program.hashCode());
  }

  private static Map<Integer, String> allNames(ProgramArray array) {
    Map<Integer, String> names = new TreeMap<>();
    array
        .programIds()
        .forEach(
            (slot, id) -> {
              Optional<Fd> program = Bpf.programById(id);
              if (program.isPresent()) { // else replaced since
                try (Fd fd = program.get()) {
                  names.put(slot, ProgramInfo.of(fd).name());
                }
              }
            });
    return names;
  }

  /** Names of the programs in the slots that interfaces name. */
  static Map<Integer, String> names(ProgramArray array) {
    Map<Integer, String> names = allNames(array);
    names.keySet().removeIf(slot -> !isHead(slot));
    return names;
  }

  /**
   * Puts a program into a slot, atomically: its first piece last. The pieces of the one before go a
   * while later.
   *
   * @throws io.sluice.kernel.bpf.KernelException the one before stays
   */
  synchronized void set(int slot, PolicyProgram program, Loader loader) {
    check(slot);
    sweep();
    List<Integer> own = reserve(program);
    List<Integer> all = new ArrayList<>(List.of(slot));
    all.addAll(own);
    boolean done = false;
    try {
      for (int piece = all.size() - 1; piece >= 0; piece--) {
        String name = piece == 0 ? program.name() : pieceName(slot, shortName(program));
        byte[] code = program.linked(piece, all::get);
        try (Fd loaded = all.size() == 1 ? once(name, code, loader) : loader.load(name, code)) {
          array.set(all.get(piece), loaded);
        }
      }
      done = true;
    } finally {
      if (!done) {
        free(own);
      }
    }
    List<Integer> before = pieces.put(slot, own);
    retire(before == null ? List.of() : before);
  }

  /**
   * Many endpoints enforce the same: the verifier, which takes milliseconds, sees it once. While
   * the program is in some slot the kernel finds it by its ID, and IDs are not used again soon.
   */
  private Fd once(String name, byte[] code, Loader loader) {
    Shared before = shared.get(name);
    if (before != null && Arrays.equals(before.code(), code)) {
      Optional<Fd> there = Bpf.programById(before.id());
      if (there.isPresent()) {
        return there.get();
      }
    }
    Fd loaded = loader.load(name, code);
    shared.put(name, new Shared(code, ProgramInfo.of(loaded).id()));
    return loaded;
  }

  /** As the kernel keeps it. */
  private static String shortName(PolicyProgram program) {
    return Programs.shortName(program.name());
  }

  synchronized void clear(int slot) {
    check(slot);
    sweep();
    array.clear(slot);
    List<Integer> before = pieces.remove(slot);
    retire(before == null ? List.of() : before);
  }

  private static void check(int slot) {
    if (slot <= 0) {
      throw new IllegalArgumentException(
          "policy slot " + slot + ": slots start at 1, and 0 stays empty to fail closed");
    }
    if (!isHead(slot)) {
      throw Errno.failure(
          "put a program into policy slot " + slot,
          Errno.E2BIG,
          "there are " + PolicySlotsLimits.POLICY_SLOTS + " slots");
    }
  }

  private List<Integer> reserve(PolicyProgram program) {
    List<Integer> slots = new ArrayList<>();
    int from = PolicySlotsLimits.POLICY_SLOTS;
    for (int i = 1; i < program.pieces().size(); i++) {
      int slot = taken.nextClearBit(from);
      if (slot >= array.size()) {
        throw Errno.failure(
            "load program " + program.name(),
            Errno.ENOSPC,
            "the policies of this node have more than %d pieces beyond their first"
                .formatted(array.size() - PolicySlotsLimits.POLICY_SLOTS));
      }
      slots.add(slot);
      from = slot + 1;
    }
    slots.forEach(taken::set);
    return slots;
  }

  private void retire(List<Integer> slots) {
    if (!slots.isEmpty()) {
      retired.add(new Retired(clock.getAsLong(), slots));
    }
  }

  private void sweep() {
    while (!retired.isEmpty() && clock.getAsLong() - retired.peek().at() >= GRACE_NANOS) {
      free(retired.remove().slots());
    }
  }

  private void free(List<Integer> slots) {
    for (int slot : slots) {
      array.clear(slot);
      taken.clear(slot);
    }
  }
}
