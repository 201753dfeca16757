// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Everything on this machine that bears a lab's name. */
public final class Traces {
  private Traces() {}

  public static Set<String> of(LabNames names) {
    Set<String> traces = new TreeSet<>();
    String mark = names.name() + "-";
    lines("/proc/self/mountinfo")
        .filter(l -> l.contains(mark))
        .forEach(l -> traces.add("mount " + l));
    list(Path.of("/run/netns")).filter(p -> named(p, mark)).forEach(p -> traces.add("netns " + p));
    list(Path.of("/run")).filter(p -> named(p, mark)).forEach(p -> traces.add("file " + p));
    Path cgroup = new Cgroups(names).lab();
    if (Files.exists(cgroup)) {
      traces.add("cgroup " + cgroup);
    }
    // What has ended but is not reaped yet has no command line.
    list(Path.of("/proc"))
        .filter(p -> p.getFileName().toString().matches("\\d+"))
        .map(p -> p.getFileName() + ": " + commandLine(p))
        .filter(
            l -> l.contains(mark + "node") || l.contains(mark + "pod") || l.contains(mark + "lab/"))
        .forEach(l -> traces.add("process " + l));
    return traces;
  }

  private static boolean named(Path path, String mark) {
    return path.getFileName().toString().startsWith(mark);
  }

  private static String commandLine(Path process) {
    try {
      return Files.readString(process.resolve("cmdline")).replace('\0', ' ');
    } catch (IOException e) {
      return "";
    }
  }

  private static Stream<String> lines(String file) {
    return Shell.lines(Path.of(file)).stream();
  }

  private static Stream<Path> list(Path folder) {
    try (Stream<Path> list = Files.list(folder)) {
      return list.toList().stream();
    } catch (NoSuchFileException e) {
      return Stream.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
