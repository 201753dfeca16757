// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;

/**
 * Runs a program on a packet of our own (BPF_PROG_TEST_RUN), as often as wanted, with buffers that
 * are made once. The packet begins with an Ethernet header. Not thread-safe.
 */
public final class TestRun {
  private static final int TEST_RUN = 10;

  /** BPF_F_TEST_SKB_CHECKSUM_COMPLETE. */
  private static final int CHECKSUM_COMPLETE = 1 << 2;

  /** BPF_F_TEST_XDP_LIVE_FRAMES. */
  private static final int LIVE_FRAMES = 1 << 1;

  /** Room for what programs add to a packet. */
  private static final int HEADROOM = 512;

  /** sizeof(struct xdp_md). */
  private static final int XDP_CONTEXT = 24;

  private final Fd program;
  private final NativeBuffer packet;
  private final NativeBuffer output;
  private final NativeBuffer contextIn = new NativeBuffer(SkbContext.SIZE);
  private final NativeBuffer contextOut = new NativeBuffer(SkbContext.SIZE);
  private int packetLength;
  private int outputLength;
  private boolean withContext;

  /** Bytes of the context; 0: none. */
  private int contextSize;

  private int xdpIfindex;
  private int flags;
  private long durationNanos;

  /**
   * @param program stays the caller's
   * @param maxPacket length of the longest packet to come, in bytes
   */
  public TestRun(Fd program, int maxPacket) {
    this.program = program;
    this.packet = new NativeBuffer(maxPacket);
    this.output = new NativeBuffer(maxPacket + HEADROOM);
  }

  /**
   * What a run gave.
   *
   * @param verdict what the program returned
   * @param packet as the program left it
   * @param context as the program left it; empty if none was given
   * @param durationNanos of one run, on average
   */
  public record Result(int verdict, byte[] packet, SkbContext context, long durationNanos) {}

  /** Runs a program once on a packet. */
  public static Result once(Fd program, byte[] packet, SkbContext context) {
    TestRun run = new TestRun(program, packet.length).packet(packet).context(context);
    int verdict = run.run(1);
    return new Result(verdict, run.output(), run.contextAfter(), run.durationNanos());
  }

  /** The packet for the runs to come. */
  public TestRun packet(byte[] bytes) {
    packet.bytes().put(0, bytes);
    packetLength = bytes.length;
    return this;
  }

  /** The context for the runs to come; null: none. */
  public TestRun context(SkbContext context) {
    contextIn.clear();
    withContext = context != null;
    contextSize = withContext ? SkbContext.SIZE : 0;
    xdpIfindex = 0;
    if (withContext) {
      context.encode(contextIn.bytes());
    }
    return this;
  }

  /**
   * For XDP programs: the interface of the caller's network namespace that the packets to come
   * arrive by. What the program puts before a packet as metadata comes before it in {@link
   * #output}.
   */
  public TestRun xdp(int ifindex) {
    contextIn.clear();
    withContext = false;
    contextSize = XDP_CONTEXT;
    xdpIfindex = ifindex;
    return this;
  }

  /** Bytes of metadata before the packet after the last run of an XDP program. */
  public int metadataLength() {
    return contextOut.bytes().getInt(0) - contextOut.bytes().getInt(8);
  }

  /**
   * From now on the packet comes with its sum, as many network cards give it (CHECKSUM_COMPLETE),
   * and the run fails with EBADMSG if the program leaves a sum that is not the packet's. Since
   * Linux 6.16; before, runs fail with EINVAL.
   */
  public TestRun checksumComplete() {
    flags |= CHECKSUM_COMPLETE;
    return this;
  }

  /**
   * From now on the kernel does what an XDP program says, with frames of its own making: on XDP_TX
   * they leave by the interface of {@link #xdp}. Runs then tell neither verdict nor output. Since
   * Linux 5.18; before, runs fail with EINVAL.
   */
  public TestRun liveFrames() {
    flags |= LIVE_FRAMES;
    return this;
  }

  /**
   * Runs the program.
   *
   * @param repeat how often, on the same packet: what one run changes the next one sees
   * @return what the (last) run returned
   */
  public int run(int repeat) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, program.number());
    boolean live = (flags & LIVE_FRAMES) != 0;
    attr.putInt(8, packetLength).putInt(12, live ? 0 : output.size());
    attr.putLong(16, packet.address()).putLong(24, live ? 0 : output.address());
    attr.putInt(32, repeat);
    if (xdpIfindex != 0) {
      contextIn.bytes().putInt(4, packetLength).putInt(12, xdpIfindex);
    }
    if (contextSize != 0) {
      attr.putInt(40, contextSize).putInt(44, live ? 0 : contextSize);
      attr.putLong(48, contextIn.address()).putLong(56, live ? 0 : contextOut.address());
    }
    attr.putInt(64, flags);
    Bpf.check(Bpf.call(TEST_RUN), "test-run a program");
    ByteBuffer result = Bpf.result();
    outputLength = result.getInt(12);
    durationNanos = Integer.toUnsignedLong(result.getInt(36));
    return result.getInt(4);
  }

  /** The packet after the last run, copied. */
  public byte[] output() {
    return output.copy(0, outputLength);
  }

  /** The packet after the last run, not copied; up to {@link #outputLength}. */
  public ByteBuffer outputBytes() {
    return output.bytes();
  }

  public int outputLength() {
    return outputLength;
  }

  /** The context after the last run. */
  public SkbContext contextAfter() {
    return withContext ? SkbContext.decode(contextOut.bytes()) : SkbContext.EMPTY;
  }

  /** Average of the last run's repetitions. */
  public long durationNanos() {
    return durationNanos;
  }
}
