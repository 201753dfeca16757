// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Addresses;
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

/** The last packets on interfaces of a host, headers only. */
final class Capture {
  private static final String UNDERLAY = Addresses.INTERFACE;

  private final Process process;
  private final Path folder;
  private final Path log;

  private Capture(Process process, Path folder, Path log) {
    this.process = process;
    this.folder = folder;
    this.log = log;
  }

  /** Of all interfaces of node1, and of the underlay of the others; from now on. */
  static List<Capture> start(Lab lab, Cluster cluster) {
    List<Capture> captures =
        cluster.nodes().stream()
            .map(n -> start(lab, n.name(), n.name().equals("node1") ? "any" : UNDERLAY))
            .toList();
    captures.forEach(Capture::awaitStart);
    return captures;
  }

  private static Capture start(Lab lab, String host, String device) {
    try {
      Path root = Files.createDirectories(Path.of("target", "captures").toAbsolutePath());
      Path folder = Files.createTempDirectory(root, host);
      Path log = folder.resolve(host + "-tcpdump.log");
      // Two files of 20 MB in turn.
      List<String> command =
          List.of(
              "tcpdump",
              "-i",
              device,
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
              folder.resolve(host + "-packets.pcap").toString());
      Process process =
          new ProcessBuilder(lab.commandOn(host, command))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new Capture(process, folder, log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitStart() {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> !process.isAlive() || Files.readString(log).contains("listening on"));
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
