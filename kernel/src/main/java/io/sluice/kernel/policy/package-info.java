// SPDX-License-Identifier: Apache-2.0
/**
 * What one endpoint enforces in one direction, as plain values; the generator that makes eBPF of
 * it, and the judge that says without a kernel what that eBPF must say.
 */
package io.sluice.kernel.policy;
