// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.Registers.Found;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntFunction;
import java.util.zip.CRC32C;

/**
 * Groups of commits in a row, in registers of limited size: a ring of pages, and now and then a
 * snapshot that lets the ring be used again. What {@link #append} or {@link #snapshot} has
 * acknowledged is found by every later {@link #open}; of what was not, all or nothing.
 *
 * <p>One append and one snapshot may be under way at a time. After a failure of either nobody knows
 * what is stored: the log is to be opened anew. How it survives a former home that still writes is
 * told in docs/design/resource-store.md.
 */
final class StoreLog {
  /** Registers of the ring; a snapshot is due before they are all in use. */
  static final int RING = 64;

  /** Pages that appends leave free, so that a new home always finds one to begin with. */
  static final int RESERVE = 4;

  /** Small groups share a page until it has so many bytes: each of them rewrites it. */
  static final int PAGE_BYTES = 8 << 10;

  /** The most that one object carries. */
  static final int PART_BYTES = 40 << 10;

  /** Larger groups are committed as a snapshot. */
  static final int MOST_PARTS = 16;

  private static final int AT_ONCE = 8;
  private static final String PREFIX = "resources|";
  static final String HEAD = PREFIX + "head";

  private final Registers registers;
  private final Map<String, CompletableFuture<Long>> revisions = new ConcurrentHashMap<>();
  private volatile Head head;
  private volatile Page last;
  private volatile boolean sealed;

  /**
   * What was found.
   *
   * @param snapshot nothing: there was none yet
   * @param groups what was appended since, in order
   */
  record Opened(StoreLog log, Optional<byte[]> snapshot, List<byte[]> groups) {}

  private StoreLog(Registers registers) {
    this.registers = registers;
  }

  /**
   * Takes the store over from whoever had it, and reads it. Fails if somebody else does so at the
   * same time, if no majority answers, or if what is stored is damaged or of a newer version.
   */
  static CompletionStage<Opened> open(Registers registers) {
    StoreLog log = new StoreLog(registers);
    return log.get(HEAD)
        .thenCompose(found -> log.takeOver(Head.of(found.value())))
        .thenCompose(done -> log.readSnapshot())
        .thenCompose(
            snapshot ->
                log.readPages(log.head.covers() + 1, new ArrayList<>())
                    .thenCompose(
                        pages -> log.fence(pages).thenApply(done -> log.opened(snapshot, pages))));
  }

  private Opened opened(Optional<byte[]> snapshot, List<Page> pages) {
    List<byte[]> groups = new ArrayList<>();
    List<Page> parts = new ArrayList<>();
    for (Page page : pages) {
      if (page.isPart()) {
        parts.add(page);
        if (page.part() == page.parts() - 1) {
          groups.add(join(parts.stream().map(p -> p.groups().get(0)).toList()));
          parts.clear();
        }
      } else {
        groups.addAll(page.groups());
      }
    }
    return new Opened(this, snapshot, groups);
  }

  // Opening

  /** Whoever was home before can finish no snapshot any more. */
  private CompletionStage<?> takeOver(Head found) {
    head = found.taken();
    return put(HEAD, head.toBytes());
  }

  private CompletionStage<Optional<byte[]>> readSnapshot() {
    if (head.parts() == 0) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    return each(head.parts(), i -> get(snapshotPart(head.set(), i)))
        .thenApply(
            found -> {
              byte[] bytes = join(found.stream().map(f -> f.value().orElse(new byte[0])).toList());
              if (bytes.length != head.length() || checksum(bytes) != head.checksum()) {
                throw new IllegalStateException(
                    "the store's snapshot is damaged: %d of %d bytes are there, or others"
                        .formatted(bytes.length, head.length()));
              }
              return Optional.of(bytes);
            });
  }

  /** Pages from that number on, to the last before a gap; a group that is not whole is none. */
  private CompletionStage<List<Page>> readPages(long from, List<Page> pages) {
    long room = head.covers() + RING - from + 1;
    int count = (int) Math.min(AT_ONCE, room);
    if (count <= 0) {
      return CompletableFuture.completedFuture(whole(pages));
    }
    return each(count, i -> get(page(from + i)))
        .thenCompose(
            found -> {
              for (int i = 0; i < count; i++) {
                Optional<Page> page = Page.of(found.get(i), from + i);
                if (page.isEmpty() || !follows(page.get(), pages)) {
                  return CompletableFuture.completedFuture(whole(pages));
                }
                pages.add(page.get());
              }
              return readPages(from + count, pages);
            });
  }

  /** Whether it goes on where the pages end, and is not left over from another group. */
  private static boolean follows(Page page, List<Page> pages) {
    Page before = pages.isEmpty() ? null : pages.get(pages.size() - 1);
    boolean within = before != null && before.isPart() && before.part() < before.parts() - 1;
    if (!within) {
      return page.part() == 0;
    }
    return page.group() == before.group() && page.part() == before.part() + 1;
  }

  /** Without the parts of a last group that has not all of them. */
  private static List<Page> whole(List<Page> pages) {
    int end = pages.size();
    if (end > 0 && pages.get(end - 1).isPart()) {
      Page page = pages.get(end - 1);
      if (page.part() < page.parts() - 1) {
        end -= page.part() + 1;
      }
    }
    return pages.subList(0, end);
  }

  /**
   * Writes the two registers of which a former home would write one next: the last page, if there
   * is room in it, and the one behind it. Its write fails then, or this one does.
   */
  private CompletionStage<?> fence(List<Page> pages) {
    long covers = head.covers();
    Optional<Page> end =
        pages.isEmpty() ? Optional.empty() : Optional.of(pages.get(pages.size() - 1));
    CompletionStage<?> again =
        end.filter(page -> !page.isPart())
            .<CompletionStage<?>>map(page -> put(page(page.number()), page.toBytes()))
            .orElseGet(() -> CompletableFuture.completedFuture(null));
    if (end.isPresent() && end.get().isEmpty()) {
      last = end.get();
      return again;
    }
    last = Page.of(covers + pages.size() + 1, List.of());
    return again.thenCompose(done -> put(page(last.number()), last.toBytes()));
  }

  // Writing

  /** Whether a group of that size can be appended now; if not, only a snapshot can commit it. */
  boolean fits(int bytes) {
    int parts = parts(bytes);
    return parts <= MOST_PARTS && last.number() + parts - head.covers() <= RING - RESERVE;
  }

  /** Whether it is time for a snapshot. */
  boolean snapshotDue() {
    return last.number() - head.covers() > RING / 2;
  }

  private static int parts(int bytes) {
    return (bytes + PART_BYTES - 1) / PART_BYTES;
  }

  /** Adds a group; with one small group that is one write. */
  CompletionStage<?> append(byte[] group) {
    if (!last.isEmpty() || last.isPart() || sealed) {
      boolean shares = !sealed && !last.isPart() && last.size() + group.length <= PAGE_BYTES;
      if (!shares) {
        last = Page.of(last.number() + 1, List.of());
        sealed = false;
      }
    }
    int parts = parts(group.length);
    if (parts <= 1) {
      Page next = last.with(group);
      last = next;
      return put(page(next.number()), next.toBytes()).thenRun(() -> openAhead(next.number()));
    }
    long first = last.number();
    long id = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
    last = Page.part(first + parts - 1, id, parts - 1, parts, new byte[0]);
    return each(
            parts,
            i -> {
              int from = i * PART_BYTES;
              byte[] bytes =
                  Arrays.copyOfRange(group, from, Math.min(group.length, from + PART_BYTES));
              return put(page(first + i), Page.part(first + i, id, i, parts, bytes).toBytes());
            })
        .thenRun(() -> openAhead(first + parts - 1));
  }

  /** The next register's revision is looked up before it is needed. */
  private void openAhead(long number) {
    revision(page(number + 1));
  }

  /**
   * Ends the current page: what is appended from now on is after a snapshot of what there is now.
   *
   * @return what the snapshot covers
   */
  long seal() {
    if (last.isEmpty() && !last.isPart()) {
      return last.number() - 1;
    }
    sealed = true;
    return last.number();
  }

  /**
   * Stores a snapshot; all pages up to the number are free again when it is done.
   *
   * @param covers by {@link #seal}
   */
  CompletionStage<?> snapshot(long covers, byte[] bytes) {
    int set = 1 - head.set();
    int parts = parts(bytes.length);
    Head next = new Head(head.home(), set, parts, bytes.length, checksum(bytes), covers);
    return each(
            parts,
            i -> {
              int from = i * PART_BYTES;
              return put(
                  snapshotPart(set, i),
                  Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + PART_BYTES)));
            })
        .thenCompose(done -> put(HEAD, next.toBytes()))
        .thenRun(() -> head = next);
  }

  // Registers

  private static String page(long number) {
    return PREFIX + "log-" + number % RING;
  }

  private static String snapshotPart(int set, int part) {
    return PREFIX + "snapshot-" + (set == 0 ? "a-" : "b-") + part;
  }

  private CompletionStage<Found> get(String id) {
    return registers
        .get(id)
        .thenApply(
            found -> {
              revisions.put(id, CompletableFuture.completedFuture(found.revision()));
              return found;
            });
  }

  private CompletableFuture<Long> revision(String id) {
    return revisions.compute(
        id,
        (any, known) ->
            known != null && !known.isCompletedExceptionally()
                ? known
                : registers.get(id).thenApply(Found::revision).toCompletableFuture());
  }

  private CompletionStage<?> put(String id, byte[] value) {
    return revision(id)
        .thenCompose(
            revision ->
                registers
                    .put(id, revision + 1, value)
                    .thenRun(
                        () -> revisions.put(id, CompletableFuture.completedFuture(revision + 1))));
  }

  /** Does that for 0 to count - 1, some at once; ends with the first failure. */
  private static <T> CompletionStage<List<T>> each(
      int count, IntFunction<CompletionStage<T>> work) {
    return each(0, count, work, new ArrayList<>());
  }

  private static <T> CompletionStage<List<T>> each(
      int from, int count, IntFunction<CompletionStage<T>> work, List<T> done) {
    if (from >= count) {
      return CompletableFuture.completedFuture(done);
    }
    List<CompletableFuture<T>> some = new ArrayList<>();
    for (int i = from; i < Math.min(count, from + AT_ONCE); i++) {
      some.add(work.apply(i).toCompletableFuture());
    }
    return CompletableFuture.allOf(some.toArray(CompletableFuture[]::new))
        .thenCompose(
            all -> {
              some.forEach(one -> done.add(one.join()));
              return each(from + AT_ONCE, count, work, done);
            });
  }

  static byte[] join(List<byte[]> parts) {
    byte[] all = new byte[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  private static long checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return crc.getValue();
  }
}
