// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * A hash of 64-bit numbers by 64-bit numbers with a value for each CPU, such as counters.
 * Thread-safe: calls take turns.
 */
public final class PerCpuHash implements AutoCloseable {
  private final String name;
  private final Fd fd;
  private final MapInfo info;
  private final int stride;
  private final NativeBuffer key = new NativeBuffer(Long.BYTES);
  private final NativeBuffer zeroes;

  /**
   * @param name for messages: the name of its pin
   * @param fd becomes this object's
   */
  public PerCpuHash(String name, Fd fd) {
    this.name = name;
    this.fd = fd;
    this.info = MapInfo.of(fd);
    if (info.type() != MapType.PERCPU_HASH
        || info.keySize() != Long.BYTES
        || info.valueSize() != Long.BYTES) {
      throw Errno.failure(
          "open map " + name, Errno.EINVAL, "it is no percpu_hash of 8 bytes by 8 bytes");
    }
    this.stride = PerCpuArray.possibleCpus() * Long.BYTES;
    this.zeroes = new NativeBuffer(stride);
  }

  /** Makes elements, all zero; those that are there stay as they are. */
  public synchronized void add(Collection<Long> keys) {
    for (long id : keys) {
      key.bytes().putLong(0, id);
      int result = MapCalls.insert(fd, key.address(), zeroes.address());
      if (result == -Errno.E2BIG) {
        throw Errno.failure(
            "write map " + name,
            Errno.E2BIG,
            "it is full, with %d entries: raise its size".formatted(info.maxEntries()));
      }
      if (result != -Errno.EEXIST) {
        Bpf.check(result, "write map " + name);
      }
    }
  }

  /** Removes elements; no error if they are not there. */
  public synchronized void remove(Collection<Long> keys) {
    for (long id : keys) {
      key.bytes().putLong(0, id);
      int result = MapCalls.delete(fd, key.address());
      if (result != -Errno.ENOENT) {
        Bpf.check(result, "delete from map " + name);
      }
    }
  }

  /** The sums over all CPUs. */
  public synchronized Map<Long, Long> sums() {
    Map<Long, Long> sums = new HashMap<>();
    NativeBuffer tokens = new NativeBuffer(2 * Long.BYTES);
    int room = BpfMap.BATCH;
    NativeBuffer keys = new NativeBuffer(room * Long.BYTES);
    NativeBuffer values = new NativeBuffer(room * stride);
    long in = 0;
    while (true) {
      long out = tokens.address() + Long.BYTES;
      int result = MapCalls.lookupBatch(fd, in, out, keys.address(), values.address(), room);
      if (result == -Errno.ENOSPC) { // a bucket with more entries than there is room
        room *= 2;
        keys = new NativeBuffer(room * Long.BYTES);
        values = new NativeBuffer(room * stride);
        continue;
      }
      if (result != -Errno.ENOENT) {
        Bpf.check(result, "read map " + name);
      }
      for (int i = 0; i < MapCalls.processed(); i++) {
        long sum = 0;
        for (int at = i * stride; at < (i + 1) * stride; at += Long.BYTES) {
          sum += values.bytes().getLong(at);
        }
        sums.put(keys.bytes().getLong(i * Long.BYTES), sum);
      }
      if (result == -Errno.ENOENT) {
        return sums;
      }
      tokens.bytes().putLong(0, tokens.bytes().getLong(Long.BYTES));
      in = tokens.address();
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
