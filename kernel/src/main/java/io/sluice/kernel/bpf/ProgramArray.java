// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.util.Map;
import java.util.TreeMap;

/**
 * An array of programs to be entered by tail calls. Keep it pinned, or it is emptied when its last
 * descriptor closes, even while an attached program uses it. Thread-safe: calls take turns.
 */
public final class ProgramArray implements AutoCloseable {
  private final String name;
  private final Fd fd;
  private final int size;
  private final NativeBuffer key = new NativeBuffer(Integer.BYTES);
  private final NativeBuffer value = new NativeBuffer(Integer.BYTES);

  /**
   * @param name for messages: the name of its pin
   * @param fd becomes this object's
   */
  public ProgramArray(String name, Fd fd) {
    this.name = name;
    this.fd = fd;
    MapInfo info = MapInfo.of(fd);
    if (info.type() != MapType.PROG_ARRAY) {
      throw Errno.failure(
          "open map " + name, Errno.EINVAL, "it is a " + info.type() + ", not a prog_array");
    }
    this.size = info.maxEntries();
  }

  public int size() {
    return size;
  }

  public Fd fd() {
    return fd;
  }

  /** Puts a program into a slot, atomically; the array holds it from now on. */
  public synchronized void set(int index, Fd program) {
    key.bytes().putInt(0, index);
    value.bytes().putInt(0, program.number());
    int result = MapCalls.update(fd, key.address(), value.address());
    if (result == -Errno.E2BIG) {
      throw Errno.failure(
          "put a program into " + name + "[" + index + "]",
          Errno.E2BIG,
          "it has " + size + " slots");
    }
    if (result == -Errno.EINVAL) {
      throw Errno.failure(
          "put a program into " + name + "[" + index + "]",
          Errno.EINVAL,
          "its type or expected attach type is another than that of the programs in the array");
    }
    Bpf.check(result, "put a program into " + name + "[" + index + "]");
  }

  /** Empties a slot; no error if it is empty. */
  public synchronized void clear(int index) {
    key.bytes().putInt(0, index);
    int result = MapCalls.delete(fd, key.address());
    if (result != -Errno.ENOENT) {
      Bpf.check(result, "empty " + name + "[" + index + "]");
    }
  }

  /** IDs of the programs therein, by slot. */
  public synchronized Map<Integer, Integer> programIds() {
    Map<Integer, Integer> ids = new TreeMap<>();
    for (int index = 0; index < size; index++) {
      int id = programId(index);
      if (id != 0) {
        ids.put(index, id);
      }
    }
    return ids;
  }

  /** The ID of the program in a slot; 0: none. */
  public synchronized int programId(int index) {
    key.bytes().putInt(0, index);
    int result = MapCalls.lookup(fd, key.address(), value.address());
    if (result == -Errno.ENOENT) {
      return 0;
    }
    Bpf.check(result, "read map " + name);
    return value.bytes().getInt(0);
  }

  @Override
  public void close() {
    fd.close();
  }
}
