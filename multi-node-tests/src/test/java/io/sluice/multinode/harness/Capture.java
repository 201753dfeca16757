// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** The last packets on all interfaces of a host, headers only. */
final class Capture {
  private static final String FILE = "packets.pcap";

  private final Process process;
  private final Path folder;

  private Capture(Process process, Path folder) {
    this.process = process;
    this.folder = folder;
  }

  /** Starts it; packets from now on are seen. */
  static Capture start(Lab lab, String host) {
    try {
      Path root = Files.createDirectories(Path.of("target", "captures").toAbsolutePath());
      Path folder = Files.createTempDirectory(root, host);
      Path log = folder.resolve("tcpdump.log");
      // Two files of 20 MB in turn.
      List<String> command =
          List.of(
              "tcpdump",
              "-i",
              "any",
              "-n",
              "-U",
              "-s",
              "160",
              "-Z",
              "root",
              "-C",
              "20",
              "-W",
              "2",
              "-w",
              folder.resolve(FILE).toString());
      Process process =
          new ProcessBuilder(lab.commandOn(host, command))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> !process.isAlive() || Files.readString(log).contains("listening on"));
      return new Capture(process, folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends it, and moves what it has to a folder. */
  void keep(Path target) {
    end();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.move(file, target.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends it, if it still runs, and forgets it. */
  void discard() {
    end();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void end() {
    process.destroy();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
