// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.sys.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An array whose elements hold a value for each CPU, such as counters. Thread-safe: calls take
 * turns.
 *
 * @param <V> one CPU's value
 */
public final class PerCpuArray<V> implements AutoCloseable {
  private static final int ALIGNMENT = 8;

  private final String name;
  private final Fd fd;
  private final MapInfo info;
  private final Codec<V> codec;
  private final int cpus;
  private final int stride;
  private final NativeBuffer key = new NativeBuffer(Integer.BYTES);
  private final NativeBuffer element;

  /**
   * @param name for messages: the name of its pin
   * @param fd becomes this object's
   */
  public PerCpuArray(String name, Fd fd, Codec<V> codec) {
    this.name = name;
    this.fd = fd;
    this.info = MapInfo.of(fd);
    this.codec = codec;
    if (info.type() != MapType.PERCPU_ARRAY || info.valueSize() != codec.size()) {
      throw Errno.failure(
          "open map " + name,
          Errno.EINVAL,
          "it is a %s of %d bytes, not a percpu_array of %d"
              .formatted(info.type(), info.valueSize(), codec.size()));
    }
    this.cpus = possibleCpus();
    this.stride = (info.valueSize() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    this.element = new NativeBuffer(cpus * stride);
  }

  /** CPUs that this machine could ever have, which is how many values an element holds. */
  public static int possibleCpus() {
    try {
      String ranges = Files.readString(Path.of("/sys/devices/system/cpu/possible")).strip();
      int count = 0;
      for (String range : ranges.split(",")) {
        String[] ends = range.split("-");
        count += Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
      }
      return count;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell how many CPUs there are", e);
    }
  }

  public int size() {
    return info.maxEntries();
  }

  /** The values of all possible CPUs, in their order. */
  public synchronized List<V> get(int index) {
    key.bytes().putInt(0, index);
    Bpf.check(MapCalls.lookup(fd, key.address(), element.address()), "read map " + name);
    List<V> values = new ArrayList<>(cpus);
    for (int cpu = 0; cpu < cpus; cpu++) {
      values.add(codec.decode(element.bytes(), cpu * stride));
    }
    return values;
  }

  /** Replaces the values of all possible CPUs; an update of a program's meanwhile is lost. */
  public synchronized void set(int index, List<V> values) {
    if (values.size() != cpus) {
      throw new IllegalArgumentException(values.size() + " values for " + cpus + " CPUs");
    }
    key.bytes().putInt(0, index);
    for (int cpu = 0; cpu < cpus; cpu++) {
      codec.encode(values.get(cpu), element.bytes(), cpu * stride);
    }
    Bpf.check(MapCalls.update(fd, key.address(), element.address()), "write map " + name);
  }

  @Override
  public void close() {
    fd.close();
  }
}
