// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

/**
 * A filter on an interface's clsact queueing discipline.
 *
 * @param ingress else egress
 * @param priority "pref" in tc's output; the lowest comes first
 * @param handle distinguishes filters of one priority
 * @param kind of classifier: "bpf", "flower", "u32", …
 * @param name that a BPF filter was given; else empty
 * @param programId of a BPF filter; else 0
 */
public record TcFilter(
    boolean ingress, int priority, int handle, String kind, String name, int programId) {}
