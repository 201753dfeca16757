// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Lab;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Who reaches whom: a prober on each of some hosts, which asks all targets at once, by every
 * protocol, whenever it is told to. Each question is a flow of its own.
 */
public final class Reach implements AutoCloseable {
  /** The answer to what was answered. */
  public static final char ANSWERED = '1';

  /** The answer to what was not. */
  public static final char SILENCE = '0';

  /** How many identifiers each prober has for pings: none of another's. */
  private static final int IDS = 4000;

  /** By what is asked. */
  public enum Way {
    TCP,
    UDP,
    SCTP,
    PING
  }

  /**
   * Somebody who is asked.
   *
   * @param name as its server says it
   */
  public record Target(String name, String v4, String v6) {}

  /**
   * One question.
   *
   * @param port 0 for a ping
   */
  public record Question(String from, String to, IpVersion version, Way way, int port) {
    @Override
    public String toString() {
      return "%s -> %s %s %s%s".formatted(from, to, version, way, port == 0 ? "" : "/" + port);
    }
  }

  private record Prober(Process process, Writer commands, BufferedReader answers) {}

  private final List<Prober> probers = new ArrayList<>();
  private final List<Question> questions = new ArrayList<>();

  private Reach() {}

  /**
   * Starts the probers.
   *
   * @param names what each host is called in questions; as many as hosts
   * @param ports that are asked with each protocol
   */
  public static Reach start(
      Lab lab, List<String> hosts, List<String> names, List<Target> targets, List<Integer> ports) {
    List<String> arguments = new ArrayList<>();
    ports.forEach(port -> arguments.addAll(List.of("--port", port.toString())));
    targets.forEach(t -> arguments.add(t.name() + "=" + t.v4() + "," + t.v6()));
    Reach reach = new Reach();
    try {
      for (int i = 0; i < hosts.size(); i++) {
        List<String> its = new ArrayList<>(arguments);
        its.addAll(List.of("--first-id", Integer.toString(1 + i * IDS)));
        Process process =
            new ProcessBuilder(lab.prober(hosts.get(i), its))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        reach.probers.add(new Prober(process, process.outputWriter(), process.inputReader()));
        reach.addQuestions(names.get(i), targets, ports);
      }
    } catch (IOException e) {
      reach.close();
      throw new UncheckedIOException(e);
    }
    return reach;
  }

  /** In the order of the prober's answers. */
  private void addQuestions(String from, List<Target> targets, List<Integer> ports) {
    for (Target target : targets) {
      for (IpVersion version : IpVersion.values()) {
        for (Way way : List.of(Way.TCP, Way.UDP, Way.SCTP)) {
          ports.forEach(p -> questions.add(new Question(from, target.name(), version, way, p)));
        }
        questions.add(new Question(from, target.name(), version, Way.PING, 0));
      }
    }
  }

  /** All that is asked in one pass, in the order of its answers. */
  public List<Question> questions() {
    return List.copyOf(questions);
  }

  /**
   * Asks everything once, and what is not answered after {@code retry} once more.
   *
   * @param deadline after which what is not answered counts as silence
   * @param patience the same for what is expected to be answered, on a slow machine
   * @param expected a character for each question
   * @return a character for each of {@link #questions()}, as {@code pod-prober.c} lists them
   */
  public String pass(Duration deadline, Duration retry, Duration patience, String expected) {
    StringBuilder all = new StringBuilder();
    try {
      int each = questions.size() / probers.size();
      String times = deadline.toMillis() + " " + retry.toMillis() + " " + patience.toMillis() + " ";
      int at = 0;
      for (Prober prober : probers) {
        prober.commands.write(times + expected.substring(at, at + each) + "\n");
        at += each;
        prober.commands.flush();
      }
      for (Prober prober : probers) {
        String answers = prober.answers.readLine();
        if (answers == null) {
          throw new AssertionError("a prober has ended: " + prober.process.info());
        }
        all.append(answers);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (all.length() != questions.size()) {
      throw new AssertionError(all.length() + " answers to " + questions.size() + " questions");
    }
    return all.toString();
  }

  @Override
  public void close() {
    probers.forEach(p -> p.process.destroy());
  }
}
