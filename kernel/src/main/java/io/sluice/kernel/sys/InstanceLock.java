// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/**
 * Keeps a second agent from working on the same node's data. The lock is the kernel's, so it goes
 * with its process, however that ends; the file stays, and says who held it last.
 */
public final class InstanceLock implements AutoCloseable {
  // A process loses its lock when it closes any descriptor of the file: do not even open it twice.
  private static final Set<Path> HELD = new HashSet<>();

  private final Path file;
  private final FileChannel channel;
  private boolean closed;

  private InstanceLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /** Somebody else holds the lock; the message says who, in one line. */
  public static final class HeldException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    HeldException(String message) {
      super(message);
    }
  }

  /**
   * Takes the lock, or fails at once.
   *
   * @param file made, with its folders, if it is missing
   * @throws HeldException if a process, this one included, holds it
   * @throws IllegalStateException if the file cannot be used
   */
  public static InstanceLock acquire(Path file) {
    synchronized (HELD) {
      try {
        Files.createDirectories(file.toAbsolutePath().getParent());
        Path real = file.toAbsolutePath().getParent().toRealPath().resolve(file.getFileName());
        if (HELD.contains(real)) {
          throw new HeldException(message(real, Long.toString(ProcessHandle.current().pid())));
        }
        FileChannel channel =
            FileChannel.open(
                real, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        InstanceLock lock = lock(real, channel);
        HELD.add(real);
        return lock;
      } catch (IOException e) {
        throw new IllegalStateException("cannot lock " + file + ": " + e, e);
      }
    }
  }

  private static InstanceLock lock(Path file, FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        ByteBuffer pid = ByteBuffer.allocate(20);
        channel.read(pid, 0);
        String holder = new String(pid.array(), 0, pid.position(), StandardCharsets.UTF_8).strip();
        throw new HeldException(message(file, holder));
      }
      String pid = ProcessHandle.current().pid() + "\n";
      channel.truncate(0).write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.UTF_8)), 0);
      return new InstanceLock(file, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static String message(Path file, String pid) {
    return "another agent runs here (process "
        + pid
        + " holds "
        + file
        + "): stop it, or give this one a data folder of its own";
  }

  /** Releases the lock. */
  @Override
  public void close() {
    synchronized (HELD) {
      if (closed) {
        return;
      }
      closed = true;
      HELD.remove(file);
      try {
        channel.close();
      } catch (IOException e) {
        throw new IllegalStateException("cannot release " + file + ": " + e, e);
      }
    }
  }
}
