// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A process that the lab started, recorded so that later commands find it, and never take another
 * one for it: process numbers are reused, number and start time together are not.
 *
 * @param pid its number, also the number of its process group
 * @param startTime in clock ticks since boot, as in field 22 of /proc/PID/stat
 */
public record OwnedProcess(long pid, long startTime) {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** The process that was recorded in a file, if it is recorded and still runs. */
  static Optional<OwnedProcess> recorded(Path file) {
    List<String> lines = Shell.lines(file);
    if (lines.isEmpty()) {
      return Optional.empty();
    }
    try {
      String[] parts = lines.get(0).split(" ");
      var process = new OwnedProcess(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
      return process.alive() ? Optional.of(process) : Optional.empty();
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      // Cut off by a crash of the one who wrote it; the cgroup still knows the process.
      return Optional.empty();
    }
  }

  /** A running process. */
  static OwnedProcess of(Process process) {
    return new OwnedProcess(process.pid(), startTimeOf(process.pid()));
  }

  void record(Path file) {
    try {
      Path fresh = file.resolveSibling(file.getFileName() + ".new");
      Files.writeString(fresh, pid + " " + startTime + "\n");
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new LabException("cannot record a process: " + e.getMessage(), e);
    }
  }

  /** Whether this very process still runs. A zombie does not. */
  public boolean alive() {
    return startTime >= 0 && startTimeOf(pid) == startTime;
  }

  /** Asks it to end, and returns when it has; kills it if it takes too long. */
  public void terminate() {
    signal("TERM");
    try {
      awaitEnd();
    } catch (LabException e) {
      kill();
    }
  }

  /** Ends it at once, as a crash would, and returns when it is gone. */
  public void kill() {
    signal("KILL");
    awaitEnd();
  }

  /** As {@link #kill}, of several in one moment. */
  public static void killAll(List<OwnedProcess> processes) {
    List<String> command = new ArrayList<>(List.of("kill", "-KILL", "--"));
    processes.stream().filter(OwnedProcess::alive).forEach(p -> command.add("-" + p.pid));
    if (command.size() > 3) {
      Shell.attempt(command, "");
    }
    processes.forEach(OwnedProcess::awaitEnd);
  }

  /** Stops it where it is, as a machine does that has no time for it. */
  public void pause() {
    signal("STOP");
  }

  /** Lets it go on after a pause. */
  public void resume() {
    signal("CONT");
  }

  private void awaitEnd() {
    Waiting.until(PATIENCE, () -> !alive(), () -> "process " + pid + " does not end");
  }

  private void signal(String signal) {
    if (alive()) {
      // The group, so that a launcher's children go with it.
      Shell.attempt("kill", "-" + signal, "--", "-" + pid);
    }
  }

  /** Start time of a process in clock ticks since boot, or -1 if there is none (or a zombie). */
  private static long startTimeOf(long pid) {
    List<String> lines;
    try {
      lines = Files.readAllLines(Path.of("/proc", Long.toString(pid), "stat"));
    } catch (IOException e) {
      return -1;
    }
    if (lines.isEmpty()) {
      return -1;
    }
    // The name, in parentheses, may itself hold anything; the state (field 3) follows it.
    String line = lines.get(0);
    String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
    return fields[0].equals("Z") || fields[0].equals("X") ? -1 : Long.parseLong(fields[19]);
  }
}
