// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An array of maps: programs find a map by an index, and from then on work with that one, whatever
 * is put in its place. Putting one there is atomic, and returns when no program works with the one
 * before. Thread-safe: calls take turns.
 */
public final class ArrayOfMaps implements AutoCloseable {
  private final String name;
  private final Fd fd;
  private final int size;
  private final NativeBuffer key = new NativeBuffer(Integer.BYTES);
  private final NativeBuffer value = new NativeBuffer(Integer.BYTES);

  /**
   * @param name for messages: the name of its pin
   * @param fd becomes this object's
   */
  public ArrayOfMaps(String name, Fd fd) {
    this.name = name;
    this.fd = fd;
    MapInfo info = MapInfo.of(fd);
    if (info.type() != MapType.ARRAY_OF_MAPS) {
      throw Errno.failure(
          "open map " + name, Errno.EINVAL, "it is a " + info.type() + ", not an array_of_maps");
    }
    this.size = info.maxEntries();
  }

  public String name() {
    return name;
  }

  public int size() {
    return size;
  }

  /** Puts a map into a place; the array holds it from now on. */
  public synchronized void set(int index, Fd map) {
    key.bytes().putInt(0, index);
    value.bytes().putInt(0, map.number());
    int result = MapCalls.update(fd, key.address(), value.address());
    String what = "put a map into " + name + "[" + index + "]";
    if (result == -Errno.E2BIG) {
      throw Errno.failure(what, Errno.E2BIG, "it has " + size + " places");
    }
    if (result == -Errno.EINVAL) {
      throw Errno.failure(what, Errno.EINVAL, "it is not of the kind that the array was made for");
    }
    Bpf.check(result, what);
  }

  /** Empties a place; no error if it is empty. */
  public synchronized void clear(int index) {
    key.bytes().putInt(0, index);
    int result = MapCalls.delete(fd, key.address());
    if (result != -Errno.ENOENT) {
      Bpf.check(result, "empty " + name + "[" + index + "]");
    }
  }

  /** The map in a place; empty if there is none. */
  public synchronized Optional<Fd> get(int index) {
    return id(index).flatMap(Bpf::mapById);
  }

  private Optional<Integer> id(int index) {
    key.bytes().putInt(0, index);
    int result = MapCalls.lookup(fd, key.address(), value.address());
    if (result == -Errno.ENOENT) {
      return Optional.empty();
    }
    Bpf.check(result, "read map " + name);
    return Optional.of(value.bytes().getInt(0)).filter(id -> id != 0);
  }

  /** The kernel's IDs of the maps therein, by place. */
  public synchronized SortedMap<Integer, Integer> ids() {
    SortedMap<Integer, Integer> ids = new TreeMap<>();
    for (int index = 0; index < size; index++) {
      int place = index;
      id(index).ifPresent(id -> ids.put(place, id));
    }
    return ids;
  }

  @Override
  public void close() {
    fd.close();
  }
}
