"""The non-local block against its unfolded form."""

import torch

from dgnet.nonlocal_block import NonLocalBlock


def test_folded_form_equals_concatenated_pairs_in_value_and_gradient(features):
    block = NonLocalBlock(5).double()
    for seed, parameter in enumerate(block.parameters()):
        parameter.data.normal_(generator=torch.Generator().manual_seed(seed))
    x = features.requires_grad_()

    def literal():
        rows = []
        for frame in x.flatten(0, 1):
            theta, phi, g = block.theta(frame), block.phi(frame), block.g(frame)
            for i in range(len(frame)):
                heard = 0.0
                for j in range(len(frame)):
                    pair = torch.cat([theta[i], phi[j]])
                    heard = heard + torch.relu(block.pair(pair)) / len(frame) * g[j]
                rows.append(block.out(heard))
        y = torch.stack(rows)
        return x + block.norm(y).view_as(x)

    for training in (True, False):
        block.train(training)
        expected, got = literal(), block(x)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
        weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(9)).double()
        inputs = [x, *block.parameters()]
        ours = torch.autograd.grad((got * weights).sum(), inputs)
        theirs = torch.autograd.grad((expected * weights).sum(), inputs)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_starts_as_the_identity(features):
    block = NonLocalBlock(5).double()
    assert torch.equal(block(features), features)
    assert torch.equal(block.eval()(features), features)


def test_follows_a_relabelling_of_joints(features):
    block = NonLocalBlock(5).double()
    torch.nn.init.ones_(block.norm.weight)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    torch.testing.assert_close(block(features[:, :, order]), block(features)[:, :, order])
