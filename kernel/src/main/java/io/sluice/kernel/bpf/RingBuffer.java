// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import com.kenai.jffi.MemoryIO;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Reads the events of a ring buffer. One thread polls and, when it has stopped polling, closes: a
 * waiting poll is not woken by anything but events and its time-out. Not thread-safe.
 */
public final class RingBuffer implements AutoCloseable {
  private final Fd fd;
  private final Consumer<ByteBuffer> consumer;
  // libbpf keeps the pointer: the callback must live as long as this object.
  private final LibBpf.Sample callback = this::take;
  private long ring;
  private RuntimeException failure;

  /**
   * @param fd becomes this object's
   * @param consumer gets each event in turn, while in {@link #poll}. The bytes (native order) are
   *     the kernel's and valid only during the call. If it throws, so does {@link #poll}; the event
   *     counts as read
   */
  public RingBuffer(Fd fd, Consumer<ByteBuffer> consumer) {
    this.fd = fd;
    this.consumer = consumer;
    this.ring = LibBpf.get().ring_buffer__new(fd.number(), callback, 0, 0);
    if (ring == 0) {
      throw Errno.failure("open a ring buffer", Libc.errno());
    }
  }

  private int take(long context, long data, long size) {
    try {
      consumer.accept(
          MemoryIO.getInstance()
              .newDirectByteBuffer(data, Math.toIntExact(size))
              .order(ByteOrder.nativeOrder()));
      return 0;
    } catch (RuntimeException e) {
      failure = e;
      return -Errno.EFAULT;
    }
  }

  /**
   * Waits for events and hands them over.
   *
   * @return how many there were; 0: time-out
   */
  public int poll(Duration timeout) {
    if (ring == 0) {
      throw new IllegalStateException("the ring buffer is closed");
    }
    failure = null;
    int result = LibBpf.get().ring_buffer__poll(ring, Math.toIntExact(timeout.toMillis()));
    if (failure != null) {
      throw failure;
    }
    if (result == -Errno.EINTR) {
      return 0;
    }
    Bpf.check(result, "read a ring buffer");
    return result;
  }

  @Override
  public void close() {
    if (ring != 0) {
      LibBpf.get().ring_buffer__free(ring);
      ring = 0;
      fd.close();
    }
  }
}
