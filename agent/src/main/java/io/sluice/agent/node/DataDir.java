// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.kernel.sys.InstanceLock;
import io.sluice.kernel.sys.Mounts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The agent's data folder: its lock, the last good manifests, and the note that a bpffs was mounted
 * by an agent. The journal and the ledger of the host's settings live there too.
 *
 * @param path the folder, {@code data-dir} in the configuration
 */
public record DataDir(Path path) {
  /** In the note of a mount: the folder was made for it. */
  private static final String MADE = "made";

  /** Where the last good version of each manifest is kept. */
  public Path lastGood() {
    return path.resolve("last-good");
  }

  private Path lock() {
    return path.resolve("agent.lock");
  }

  private Path mounted() {
    return path.resolve("bpffs-mounted");
  }

  /** Whether there is such a folder. */
  public boolean exists() {
    return Files.isDirectory(path);
  }

  /**
   * Takes the folder for this process alone.
   *
   * @throws NodeException if another process has it, or it cannot be made
   */
  public InstanceLock take() {
    try {
      return InstanceLock.acquire(lock());
    } catch (InstanceLock.HeldException | IllegalStateException e) {
      throw new NodeException(e.getMessage(), e);
    }
  }

  /** Mounts a bpffs where none is, and remembers that it has to be taken off again. */
  public void ensureBpffs(Path bpffs) {
    if (Mounts.isBpffs(bpffs)) {
      return;
    }
    String made = Files.exists(bpffs) ? "" : MADE;
    try {
      // The note first: without the mount it does no harm, a mount without it would stay for ever.
      Files.writeString(mounted(), bpffs.toAbsolutePath() + "\n" + made + "\n");
    } catch (IOException e) {
      throw new NodeException("data-dir " + path + " cannot be written: " + e, e);
    }
    Mounts.mountBpffs(bpffs);
  }

  /** Takes a bpffs off that an agent has mounted; one that was there before stays. */
  public void removeBpffs(Path bpffs) {
    if (!Files.exists(mounted())) {
      return;
    }
    try {
      List<String> note = Files.readAllLines(mounted());
      if (note.get(0).equals(bpffs.toAbsolutePath().toString())) {
        Mounts.unmount(bpffs);
        if (note.contains(MADE)) {
          Files.deleteIfExists(bpffs);
        }
        Files.delete(mounted());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("data-dir " + path + ": " + e.getMessage(), e);
    }
  }

  /** Deletes the folder and all therein. */
  public void purge() {
    if (!exists()) {
      return;
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("delete " + path + ": " + e.getMessage(), e);
    }
  }
}
