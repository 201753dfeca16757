// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What followers are being sent: commits since what they have, or all; encoded once for all. */
final class Transfers {
  /** Well below a frame of the network; bytes. */
  static final int CHUNK = 256 << 10;

  /** Of commits that are kept for followers that are a little behind; bytes. */
  private static final long KEPT = 8L << 20;

  /** How many encoded ones are kept: followers that start together want the same. */
  private static final int ENCODED = 4;

  private final String home;
  private final StoreState state;
  private final Deque<Commit> recent = new ArrayDeque<>();
  private final LinkedHashMap<String, Transfer> encoded = new LinkedHashMap<>();
  private long kept;

  /**
   * @param from the version that it follows; -1: it is everything
   */
  private record Transfer(String id, long from, long to, byte[] bytes) {
    int chunks() {
      return Math.max(1, (bytes.length + CHUNK - 1) / CHUNK);
    }

    StoreFollower.Chunk chunk(int number) {
      int begin = number * CHUNK;
      byte[] part = Arrays.copyOfRange(bytes, begin, Math.min(bytes.length, begin + CHUNK));
      return new StoreFollower.Chunk(id, from, to, number, chunks(), part);
    }
  }

  Transfers(String home, StoreState state) {
    this.home = home;
    this.state = state;
  }

  /** These have been committed. */
  void add(Collection<Commit> commits) {
    for (Commit commit : commits) {
      recent.add(commit);
      kept += size(commit);
    }
    while (kept > KEPT && !recent.isEmpty()) {
      kept -= size(recent.remove());
    }
  }

  private static long size(Commit commit) {
    long size = 100;
    for (Commit.Change change : commit.changes()) {
      size += change.now().map(Stored::size).orElse(100);
    }
    return size;
  }

  /** A chunk of what is being sent. */
  Optional<StoreFollower.Chunk> chunk(String transfer, int number) {
    return Optional.ofNullable(encoded.get(transfer))
        .filter(t -> number >= 0 && number < t.chunks())
        .map(t -> t.chunk(number));
  }

  /** The first chunk of the commits after a version; nothing if they are not all known any more. */
  Optional<StoreFollower.Chunk> since(long version, long committed) {
    if (recent.isEmpty() || version < 0 || recent.peek().version() > version + 1) {
      return Optional.empty();
    }
    String id = home + ":" + version + "-" + committed;
    Transfer transfer = encoded.get(id);
    if (transfer == null) {
      List<Commit> commits = new ArrayList<>();
      Iterator<Commit> newest = recent.descendingIterator();
      while (newest.hasNext()) {
        Commit commit = newest.next();
        if (commit.version() <= version) {
          break;
        }
        commits.add(0, commit);
      }
      transfer = keep(new Transfer(id, version, committed, Codec.commits(commits)));
    }
    return Optional.of(transfer.chunk(0));
  }

  /** The first chunk of everything. */
  StoreFollower.Chunk snapshot(long committed) {
    String id = home + ":" + committed;
    Transfer transfer = encoded.get(id);
    if (transfer == null) {
      // Answers to requests are for those who asked the store, not for those who follow it.
      Codec.Snapshot now = state.snapshot();
      Codec.Snapshot sent =
          new Codec.Snapshot(now.store(), now.version(), now.created(), List.of(), now.all());
      transfer = keep(new Transfer(id, -1, committed, Codec.snapshot(sent)));
    }
    return transfer.chunk(0);
  }

  private Transfer keep(Transfer transfer) {
    encoded.put(transfer.id(), transfer);
    if (encoded.size() > ENCODED) {
      Iterator<Map.Entry<String, Transfer>> oldest = encoded.entrySet().iterator();
      oldest.next();
      oldest.remove();
    }
    return transfer;
  }
}
