"""Writes torch-generator.onnx: a small generator as PyTorch's own exporter writes it, with what DCGANs of others contain: transposed convolutions
(kernels 4 and 2, stride 2), batch norm left as it is, PReLU, a residual sum, convolutions of 3 x 3, and a dynamic batch. Run: python torch_generator.py"""
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(8, 12 * 4 * 4)
        self.up0 = nn.ConvTranspose2d(12, 10, 4, 2, 1)
        self.norm = nn.BatchNorm2d(10)
        self.prelu = nn.PReLU(10)
        self.conv0 = nn.Conv2d(10, 10, 3, padding=1)
        self.conv1 = nn.Conv2d(10, 10, 3, padding=1, bias=False)
        self.up1 = nn.ConvTranspose2d(10, 9, 2, 2, bias=False)
        self.up2 = nn.ConvTranspose2d(9, 3, 4, 2, 1)

    def forward(self, z):
        x = torch.relu(self.dense(z)).view(-1, 12, 4, 4)
        x = self.prelu(self.norm(self.up0(x)))
        x = x + self.conv1(nn.functional.leaky_relu(self.conv0(x), 0.2))
        return torch.tanh(self.up2(torch.sigmoid(self.up1(x)) * 2))


torch.manual_seed(3)
g = Generator()
with torch.no_grad():
    g.norm.running_mean.normal_()
    g.norm.running_var.uniform_(0.5, 2)
    for p in g.parameters():
        p.mul_(1.5)
g.eval()
torch.onnx.export(g, (torch.zeros(2, 8),), "torch-generator.onnx", input_names=["z"], output_names=["image"], dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), dynamo=True, external_data=False)
