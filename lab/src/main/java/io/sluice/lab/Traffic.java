// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A run of the traffic client on a host of the lab. */
public final class Traffic implements AutoCloseable {
  private final Process process;
  private final CompletableFuture<String> output;
  private final CompletableFuture<Void> watching;
  private volatile Progress progress = new Progress(0, 0, 0);
  private volatile String complaint = "";

  /** What has happened so far, as of the last 200 ms. */
  public record Progress(long attempts, long answers, long failed) {}

  /**
   * What to send.
   *
   * @param arguments of {@code pod-client}
   */
  public record Spec(List<String> arguments) {
    public Spec {
      arguments = List.copyOf(arguments);
    }

    /** Flows of one request each, so many a second. */
    public static Spec newFlows(String protocol, String target, int port, int perSecond) {
      return base(protocol, target, port).with("--rate", perSecond);
    }

    /** Flows that stay, with a request each every so many milliseconds. */
    public static Spec lasting(
        String protocol, String target, int port, int flows, int intervalMillis) {
      return base(protocol, target, port)
          .with("--connections", flows)
          .with("--interval", intervalMillis);
    }

    private static Spec base(String protocol, String target, int port) {
      return new Spec(List.of("load", "--progress", "--proto", protocol, "--target", target))
          .with("--port", port);
    }

    /** Ends after so many requests. */
    public Spec count(long requests) {
      return with("--count", requests);
    }

    /** Ends after so many milliseconds. */
    public Spec duration(long millis) {
      return with("--duration", millis);
    }

    /** How long to wait for an answer, connecting included, in milliseconds; 3000 if not said. */
    public Spec timeout(long millis) {
      return with("--timeout", millis);
    }

    /** Bytes of each request, which come back and are compared. */
    public Spec size(int bytes) {
      return with("--size", bytes);
    }

    /** The port of the first flow; lasting flows count up from it, others share it. */
    public Spec sourcePort(int port) {
      return with("--source-port", port);
    }

    /** Closes connections by RST instead of FIN. */
    public Spec reset() {
      List<String> more = new ArrayList<>(arguments);
      more.add("--reset");
      return new Spec(more);
    }

    /** The address that flows come from; the host must have it. */
    public Spec source(String address) {
      List<String> more = new ArrayList<>(arguments);
      more.addAll(List.of("--source", address));
      return new Spec(more);
    }

    /** Sends datagrams without a checksum, which IPv4 alone allows. */
    public Spec withoutChecksum() {
      List<String> more = new ArrayList<>(arguments);
      more.add("--no-checksum");
      return new Spec(more);
    }

    private Spec with(String option, long value) {
      List<String> more = new ArrayList<>(arguments);
      more.add(option);
      more.add(Long.toString(value));
      return new Spec(more);
    }
  }

  /**
   * What a run saw. Times are milliseconds since its start.
   *
   * @param startedEpochMs when it started, by the wall clock
   * @param late answers to requests that had been counted as failed
   * @param failures by name: of errno, or TIMEOUT, CONNECT_TIMEOUT, CLOSED (by the peer, before an
   *     answer), LOST (a datagram without answer), GARBLED, NO_SLOT (too many flows at once)
   * @param backends answers by pod
   * @param sources answers by the client's own address as the backend saw it
   * @param changes how often a flow's answers came from another backend than before
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Report(
      String protocol,
      String target,
      int port,
      long startedEpochMs,
      long durationMs,
      long attempts,
      long answers,
      long failed,
      long late,
      Map<String, Count> failures,
      Map<String, Count> backends,
      Map<String, Count> sources,
      Latency latencyUs,
      long changes,
      List<Change> firstChanges) {}

  /** How often something was seen, and when first and last. */
  public record Count(long count, long firstMs, long lastMs) {}

  /** From request (with a flow of one request: from its connect) to answer, in microseconds. */
  public record Latency(long p50, long p99, long max) {}

  /** A flow's answers came from one pod, then from another. */
  public record Change(long atMs, long flow, String from, String to) {}

  private Traffic(Process process) {
    this.process = process;
    this.output =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException e) {
                return "";
              }
            },
            Traffic::inOwnThread);
    this.watching = CompletableFuture.runAsync(this::watch, Traffic::inOwnThread);
  }

  static Traffic start(List<String> command) {
    try {
      return new Traffic(new ProcessBuilder(command).start());
    } catch (IOException e) {
      throw new LabException("cannot start the traffic client: " + e.getMessage(), e);
    }
  }

  private static void inOwnThread(Runnable work) {
    Thread thread = new Thread(work, "lab-traffic");
    thread.setDaemon(true);
    thread.start();
  }

  private void watch() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] fields = line.split(" ");
        if (fields.length == 3 && fields[0].matches("\\d+")) {
          progress =
              new Progress(
                  Long.parseLong(fields[0]), Long.parseLong(fields[1]), Long.parseLong(fields[2]));
        } else {
          complaint = line;
        }
      }
    } catch (IOException e) {
      complaint = e.getMessage();
    }
  }

  /** What has happened so far; updated every 200 ms. */
  public Progress progress() {
    return progress;
  }

  /** Whether it still sends. */
  public boolean running() {
    return process.isAlive();
  }

  /** Ends it early, waits for answers still on their way, and returns what it saw. */
  public Report stop() {
    // The shell, ip and the client are one process after the other, with one number.
    // Through its handle: Process.destroy would close the streams that the report comes by.
    process.toHandle().destroy();
    return await();
  }

  /** Waits for its end, and returns what it saw. */
  public Report await() {
    try {
      process.waitFor();
      watching.get();
      String json = output.get();
      if (json.isEmpty()) {
        throw new LabException("the traffic client said nothing: " + complaint);
      }
      return TopologyReader.JSON.readValue(json, Report.class);
    } catch (JsonProcessingException e) {
      throw new LabException("the traffic client's report is not one: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    } catch (ExecutionException e) {
      throw new LabException("the traffic client failed: " + e.getCause().getMessage(), e);
    }
  }

  /** Ends it, if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
