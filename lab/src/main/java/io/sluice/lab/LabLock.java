// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps two from building or removing one lab at once. The kernel drops it with the process that
 * holds it, however that ends; children do not inherit it.
 */
final class LabLock implements AutoCloseable {
  /** POSIX drops a process's locks on a file when it closes any descriptor of that file. */
  private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private LabLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock, without waiting.
   *
   * @throws LabException if somebody else has it
   */
  static LabLock take(LabNames names) {
    Path file = names.lockFile();
    if (!HELD_HERE.add(file)) {
      throw busy(names);
    }
    LabLock lock = null;
    try {
      while (lock == null) {
        lock = attempt(names, file);
      }
      return lock;
    } catch (IOException e) {
      throw new LabException("cannot lock " + file + ": " + e.getMessage(), e);
    } finally {
      if (lock == null) {
        HELD_HERE.remove(file);
      }
    }
  }

  /**
   * Returns null when the holder before removed the file meanwhile. Inode numbers are not used
   * again soon, so a path that led to one inode before the opening and after the locking led to it
   * at the opening.
   */
  private static LabLock attempt(LabNames names, Path file) throws IOException {
    FileChannel channel = null;
    boolean taken = false;
    try {
      try {
        Files.createFile(file);
      } catch (FileAlreadyExistsException e) {
        // Held by somebody, or left by one who crashed: the lock will tell.
      }
      Object inode = Files.getAttribute(file, "unix:ino");
      channel = FileChannel.open(file, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        throw busy(names);
      }
      taken = inode.equals(Files.getAttribute(file, "unix:ino"));
      return taken ? new LabLock(file, channel) : null;
    } catch (NoSuchFileException e) {
      return null;
    } finally {
      if (channel != null && !taken) {
        channel.close();
      }
    }
  }

  private static LabException busy(LabNames names) {
    return new LabException(
        "another command is at work on the lab ("
            + names.name()
            + "); wait until it ends, or stop it");
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
      channel.close();
    } catch (IOException e) {
      throw new LabException("cannot unlock " + file + ": " + e.getMessage(), e);
    } finally {
      HELD_HERE.remove(file);
    }
  }
}
