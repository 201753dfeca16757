// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.sys.Errno;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A hash, LRU hash, LPM trie or array, with one value for all CPUs.
 *
 * <p>Thread-safe: {@link #forEach} has buffers of its own, and everything else takes turns. (The
 * agreement of {@link TypedMap} promises less.) Entries are written and read in batches of {@value
 * #BATCH}.
 *
 * @param <K> key; {@link Integer} for arrays
 * @param <V> value
 */
public final class BpfMap<K, V> implements TypedMap<K, V>, AutoCloseable {
  static final int BATCH = 512;

  private final String name;
  private final Fd fd;
  private final MapInfo info;
  private final Codec<K> keyCodec;
  private final Codec<V> valueCodec;
  private final NativeBuffer keys;
  private final NativeBuffer values;

  /**
   * @param name for messages: the name of its pin
   * @param fd becomes this object's
   * @throws KernelException with EINVAL if the codecs are of another size than the map's key or
   *     value
   */
  public BpfMap(String name, Fd fd, Codec<K> keyCodec, Codec<V> valueCodec) {
    this.name = name;
    this.fd = fd;
    this.info = MapInfo.of(fd);
    this.keyCodec = keyCodec;
    this.valueCodec = valueCodec;
    if (info.type().isPerCpu()) {
      throw new IllegalArgumentException(name + " has a value for each CPU: use PerCpuArray");
    }
    if (info.keySize() != keyCodec.size() || info.valueSize() != valueCodec.size()) {
      throw Errno.failure(
          "open map " + name,
          Errno.EINVAL,
          "its key and value have %d and %d bytes, not %d and %d"
              .formatted(info.keySize(), info.valueSize(), keyCodec.size(), valueCodec.size()));
    }
    this.keys = new NativeBuffer(BATCH * info.keySize());
    this.values = new NativeBuffer(BATCH * info.valueSize());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int maxEntries() {
    return info.maxEntries();
  }

  /** What the kernel said of the map when it was opened. */
  public MapInfo info() {
    return info;
  }

  /** The descriptor; this object's. */
  public Fd fd() {
    return fd;
  }

  @Override
  public synchronized Optional<V> get(K key) {
    keyCodec.encode(key, keys.bytes(), 0);
    int result = MapCalls.lookup(fd, keys.address(), values.address());
    if (result == -Errno.ENOENT) {
      return Optional.empty();
    }
    check(result, "read");
    return Optional.of(valueCodec.decode(values.bytes(), 0));
  }

  @Override
  public synchronized void put(K key, V value) {
    keyCodec.encode(key, keys.bytes(), 0);
    valueCodec.encode(value, values.bytes(), 0);
    check(MapCalls.update(fd, keys.address(), values.address()), "write");
  }

  @Override
  public synchronized void putAll(Map<K, V> entries) {
    Iterator<Map.Entry<K, V>> iterator = entries.entrySet().iterator();
    while (iterator.hasNext()) {
      int count = 0;
      while (count < BATCH && iterator.hasNext()) {
        Map.Entry<K, V> entry = iterator.next();
        keyCodec.encode(entry.getKey(), keys.bytes(), count * info.keySize());
        valueCodec.encode(entry.getValue(), values.bytes(), count * info.valueSize());
        count++;
      }
      check(MapCalls.updateBatch(fd, keys.address(), values.address(), count), "write");
    }
  }

  @Override
  public synchronized void removeAll(Collection<K> gone) {
    if (info.type().isArray()) {
      values.clear();
    }
    Iterator<K> iterator = gone.iterator();
    while (iterator.hasNext()) {
      int count = 0;
      while (count < BATCH && iterator.hasNext()) {
        keyCodec.encode(iterator.next(), keys.bytes(), count++ * info.keySize());
      }
      if (info.type().isArray()) {
        check(MapCalls.updateBatch(fd, keys.address(), values.address(), count), "clear");
      } else {
        deleteBatch(count);
      }
    }
  }

  /** The kernel stops at the first key that is absent: go on behind it. */
  private void deleteBatch(int count) {
    int done = 0;
    while (done < count) {
      long from = keys.address() + (long) done * info.keySize();
      int result = MapCalls.deleteBatch(fd, from, count - done);
      if (result != -Errno.ENOENT) {
        check(result, "delete from");
        return;
      }
      done += MapCalls.processed() + 1;
    }
  }

  @Override
  public void forEach(BiConsumer<? super K, ? super V> visitor) {
    forEachRaw(
        (someKeys, keyAt, someValues, valueAt) ->
            visitor.accept(
                keyCodec.decode(someKeys, keyAt), valueCodec.decode(someValues, valueAt)));
  }

  @Override
  public void forEachRaw(RawVisitor visitor) {
    NativeBuffer tokens = new NativeBuffer(2 * Math.max(Long.BYTES, info.keySize()));
    long out = tokens.address() + tokens.size() / 2;
    int room = BATCH;
    NativeBuffer someKeys = new NativeBuffer(room * info.keySize());
    NativeBuffer someValues = new NativeBuffer(room * info.valueSize());
    long in = 0;
    while (true) {
      int result =
          MapCalls.lookupBatch(fd, in, out, someKeys.address(), someValues.address(), room);
      if (result == -Errno.ENOSPC) { // a bucket of the hash with more entries than there is room
        room *= 2;
        someKeys = new NativeBuffer(room * info.keySize());
        someValues = new NativeBuffer(room * info.valueSize());
        continue;
      }
      if (result != -Errno.ENOENT) {
        check(result, "read");
      }
      visit(someKeys.bytes(), someValues.bytes(), MapCalls.processed(), visitor);
      if (result == -Errno.ENOENT) {
        return;
      }
      tokens.bytes().put(0, tokens.copy(tokens.size() / 2, tokens.size() / 2));
      in = tokens.address();
    }
  }

  private void visit(ByteBuffer someKeys, ByteBuffer someValues, int count, RawVisitor to) {
    int valueSize = info.valueSize();
    for (int i = 0; i < count; i++) {
      if (!info.type().isArray() || !isZero(someValues, i * valueSize, valueSize)) {
        to.visit(someKeys, i * info.keySize(), someValues, i * valueSize);
      }
    }
  }

  private static boolean isZero(ByteBuffer buffer, int offset, int length) {
    int i = 0;
    for (; i + Long.BYTES <= length; i += Long.BYTES) {
      if (buffer.getLong(offset + i) != 0) {
        return false;
      }
    }
    for (; i < length; i++) {
      if (buffer.get(offset + i) != 0) {
        return false;
      }
    }
    return true;
  }

  private void check(int result, String verb) {
    if (result == -Errno.E2BIG) {
      String advice =
          info.type().isArray()
              ? "the index is beyond its %d elements".formatted(info.maxEntries())
              : "it is full, with %d entries: raise its size".formatted(info.maxEntries());
      throw Errno.failure(verb + " map " + name, Errno.E2BIG, advice);
    }
    Bpf.check(result, verb + " map " + name);
  }

  @Override
  public void close() {
    fd.close();
  }
}
